import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwarmError } from '../../src/domain';
import { World, changeOwner, publish } from './support/memory-replicas';

const away = (): never => {
  throw new SwarmError('unavailable', 'No answer in time.');
};

test('an origin that took over all but the GOP that is being published is caught up later', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'replica-behind-'));
  const world = new World(folder, Math.random);
  const { nodes } = world;
  const [leader, , third] = nodes;
  try {
    for (const node of nodes) await node.start();
    const token = await changeOwner(leader!, 0);
    await publish(leader!, 0, token, 0);
    world.beforePut = async (to) => void (to === 'o-3' && away());
    await publish(leader!, 1, token, 1);
    // It says that it is behind, follows as far as the leader itself is, and is away when the GOP comes again. The GOP is
    // acknowledged by the other one only then.
    let puts = 0;
    let afterwards: () => void = () => undefined;
    const second = new Promise<void>((resolve) => (afterwards = resolve));
    world.beforePut = async (to) => {
      if (to === 'o-2') await second;
      else if ((puts += 1) === 2) {
        setTimeout(afterwards, 20);
        away();
      }
    };
    await publish(leader!, 2, token, 2);
    expect(puts).toBe(2);
    expect(third!.media.ledger.last?.gop).toBe(1);
    await leader!.replica.catchUp();
    expect(third!.media.ledger.last?.gop).toBe(2);
  } finally {
    await Promise.all(nodes.map((node) => node.end().catch(() => undefined)));
    await rm(folder, { recursive: true, force: true });
  }
});
