import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwarmError } from '../../src/domain';
import { World, changeOwner, publish, type Node } from './support/memory-replicas';

/** What replicas do while the store, a disk or one of them is at fault. */

const away = (): never => {
  throw new SwarmError('unavailable', 'No answer in time.');
};

let folder: string;
let world: World;
let o1: Node;
let o2: Node;
let o3: Node;
/** Of the owner to whom the channel was granted at o-1. */
let token: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replica-faults-'));
  world = new World(folder, Math.random);
  [o1, o2, o3] = world.nodes as [Node, Node, Node];
  for (const node of world.nodes) await node.start();
  token = await changeOwner(o1, 0);
});
afterEach(async () => {
  await Promise.all(world.nodes.map((node) => node.end().catch(() => undefined)));
  await rm(folder, { recursive: true, force: true });
});

test('a change of owner that finds no store leaves the lead where it is, so that GOPs go on', async () => {
  await publish(o1, 0, token, 0);
  Object.assign(world.store, { read: async () => away(), replace: async () => away() });
  await expect(changeOwner(o1, token)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await publish(o1, 1, token, 1)).toMatchObject({ gop: 1 });
});
