import { appendFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplicaClient, ReplicaOrder } from '../../src/contracts/origin-replica';
import { SwarmError } from '../../src/domain';
import { until } from '../support/until';
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

const onDisk = async (node: Node): Promise<{ ownership: { token: number } } | null> => {
  const text = await readFile(join(node.directory, 'channel.json'), 'utf8').catch(() => 'null');
  return JSON.parse(text) as { ownership: { token: number } } | null;
};

describe('an origin that starts again', () => {
  test('while it lacked a GOP, declares none lost that another one has', async () => {
    for (let gop = 0; gop < 3; gop += 1) await publish(o1, gop, token, gop);
    await until('o-3 has all', async () => {
      await o1.replica.catchUp();
      return o3.media.ledger.last?.gop === 2;
    });
    world.beforePut = async (to) => void (to === 'o-3' && away());
    await publish(o1, 3, token, 3);
    const next = await changeOwner(o1, token);
    await o3.replica.refresh();
    await until('it has noted the new owner', async () => (await onDisk(o3))?.ownership.token === next);
    await o3.end();
    await o3.start();
    o1.up = false;
    await publish(o3, 4, next, 4);
    for (const node of [o2, o3]) expect(node.media.ledger.get(3)).toMatchObject({ publishedAtMs: 3 });
    expect(o3.media.ledger.get(3)!.gapReason).toBeUndefined();
  });

  test('with a hole in its log, counts for nothing until it is filled again', async () => {
    for (let gop = 0; gop < 3; gop += 1) await publish(o1, gop, token, gop);
    await until('o-3 has all', async () => {
      await o1.replica.catchUp();
      return o3.media.ledger.last?.gop === 2;
    });
    await o3.end();
    const path = join(o3.directory, 'ledger.jsonl');
    const lines = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, [lines[0], 'spoilt', ...lines.slice(2)].join('\n'));
    await o3.start();
    expect(o3.replica.copy.state).toMatchObject({ promised: 0, followed: 0 });
    o1.up = false;
    await expect(publish(o3, 3, token, 3)).rejects.toMatchObject({ code: 'unavailable' });
    o1.up = true;
    await publish(o3, 3, token, 3);
    expect(o3.media.ledger.range(0, 4).map(({ gapReason }) => gapReason)).toEqual(Array(4).fill(undefined));
  });

  test('after a line that was not finished, goes on with its log', async () => {
    await publish(o1, 0, token, 0);
    await until('o-3 has all', async () => {
      await o1.replica.catchUp();
      return o3.media.ledger.last?.gop === 0;
    });
    const { followed } = o3.replica.copy.state;
    await o3.end();
    await appendFile(join(o3.directory, 'ledger.jsonl'), '{"gop":1,"tok');
    await o3.start();
    expect(o3.replica.copy.state).toMatchObject({ followed, endGop: 1 });
  });
});

const orderOf = async (): Promise<ReplicaOrder> => {
  const { epoch, life, leader } = (await world.store.read()).record;
  return { epoch, life, leader: leader! };
};

test('the first GOP, taken while an origin follows once more, stays', async () => {
  await until('o-2 follows', () => o2.replica.copy.state.followed === 1);
  world.beforePut = async (to) => void (to === 'o-3' && away());
  const real = world.clientFrom('o-2', 'o-1');
  const slow = Object.assign(Object.create(real) as ReplicaClient, {
    log: async (...asked: Parameters<ReplicaClient['log']>) => {
      const answer = await real.log(...asked);
      await publish(o1, 0, token, 0);
      return answer;
    },
  });
  await o2.replica.copy.follow(await orderOf(), slow);
  expect(o2.media.ledger.last?.gop).toBe(0);
});

test('a copy that is being filled writes nothing once its channel was removed', async () => {
  for (let gop = 0; gop < 3; gop += 1) await publish(o1, gop, token, gop);
  await o3.loseDisk();
  await o3.start();
  const real = world.clientFrom('o-3', 'o-1');
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let asked = false;
  const gated = Object.assign(Object.create(real) as ReplicaClient, {
    bytes: async (...args: Parameters<ReplicaClient['bytes']>) => {
      asked = true;
      await gate;
      return real.bytes(...args);
    },
  });
  const following = o3.replica.copy.follow(await orderOf(), gated).catch(() => undefined);
  await until('a GOP is on its way', () => asked);
  await o3.replica.close();
  await rm(o3.directory, { recursive: true });
  await mkdir(join(o3.directory, 'gops'), { recursive: true });
  open();
  await following;
  expect(await readdir(o3.directory)).toEqual(['gops']);
  await o3.replica.close();
});

test('a log is the one of an epoch only once its file is, also where that failed before', async () => {
  for (let gop = 0; gop < 2; gop += 1) await publish(o1, gop, token, gop);
  await until('o-3 has all', async () => {
    await o1.replica.catchUp();
    return o3.media.ledger.last?.gop === 1;
  });
  const inTheWay = join(o3.directory, 'ledger.jsonl.new');
  await mkdir(inTheWay);
  await expect(o3.media.truncateFrom(0)).rejects.toMatchObject({ code: 'EISDIR' });
  const { epoch } = await orderOf();
  await expect(o3.replica.copy.followed({ epoch })).rejects.toMatchObject({ code: 'EISDIR' });
  await rm(inTheWay, { recursive: true });
  await o3.replica.copy.followed({ epoch });
  expect(await readFile(join(o3.directory, 'ledger.jsonl'), 'utf8')).toBe('');
});

describe('an origin that is filled', () => {
  beforeEach(async () => {
    for (let gop = 0; gop < 2; gop += 1) await publish(o1, gop, token, gop);
    await o3.loseDisk();
    await o3.start();
  });

  test('takes no GOP that is not what was published', async () => {
    const real = world.clientFrom('o-3', 'o-1');
    let answer = (bytes: Buffer | null): Buffer | null => bytes && bytes.subarray(0, 3);
    const client = Object.assign(Object.create(real) as ReplicaClient, {
      bytes: async (...args: Parameters<ReplicaClient['bytes']>) => answer(await real.bytes(...args)),
    });
    const follow = async (): Promise<unknown> => o3.replica.copy.follow(await orderOf(), client);
    await expect(follow()).rejects.toMatchObject({ code: 'unavailable' });
    answer = () => Buffer.from('none');
    await expect(follow()).rejects.toMatchObject({ code: 'unavailable' });
    expect(o3.media.ledger.last).toBeUndefined();
    answer = (bytes) => bytes;
    await follow();
    expect((await o3.media.storedGop(1))?.toString()).toBe('GOP.');
  });

  test('waits for a GOP that can not be read now, and goes without one that is not there any more', async () => {
    const path = (gop: number): string => join(o1.directory, 'gops', `${gop}.ts`);
    const hidden = join(folder, 'hidden');
    await rename(path(1), hidden);
    await mkdir(path(1));
    await rm(path(0));
    const follow = async (): Promise<unknown> =>
      o3.replica.copy.follow(await orderOf(), world.clientFrom('o-3', 'o-1'));
    await expect(follow()).rejects.toMatchObject({ code: 'EISDIR' });
    expect(o3.media.ledger.last?.gop).toBe(0);
    await rm(path(1), { recursive: true });
    await rename(hidden, path(1));
    await follow();
    expect([o3.media.has(0), o3.media.has(1)]).toEqual([false, true]);
  });
});

test('who never gets the lead gives up, also where nobody is known to have it', async () => {
  await o1.replica.refresh();
  const held = { ...(await world.store.read()), version: '1000' };
  let tries = 0;
  Object.assign(world.store, {
    read: async () => structuredClone({ ...held, record: { ...held.record, leader: null } }),
    replace: async () => {
      if ((tries += 1) > 20) throw new Error('It has no end.');
      return null;
    },
  });
  await expect(publish(o2, 0, token, 0)).rejects.toMatchObject({ code: 'unavailable' });
});

test('what a disk refuses of a copy is told, until it takes a GOP again', async () => {
  const told: string[] = [];
  Object.assign(o3.disk, {
    failed: (id: string, error: NodeJS.ErrnoException) => told.push(`${id} ${error.code}`),
    succeeded: (id: string) => told.push(`${id} takes it`),
  });
  await publish(o1, 0, token, 0);
  await until('o-3 has the first GOP', () => told.includes('ch-1 takes it'));
  told.splice(0);
  const inTheWay = join(o3.directory, 'gops', '1.ts.new');
  await mkdir(inTheWay, { recursive: true });
  await publish(o1, 1, token, 1);
  await until('it is refused', () => told.length > 0);
  expect(told[0]).toBe('ch-1 EISDIR');
  await rm(inTheWay, { recursive: true });
  told.splice(0);
  await until('it is filled', async () => {
    await o1.replica.catchUp();
    return o3.media.ledger.last?.gop === 1;
  });
  expect(told).toContain('ch-1 takes it');
});

test('who finds out that another one leads asks it first, and does not take the lead back', async () => {
  await publish(o1, 0, token, 0);
  let asked = 0;
  o1.leaderElsewhere = async () => {
    asked += 1;
    return 'o-2';
  };
  // o-1 was stopped meanwhile: what it promised then is all that it knows of the other one.
  await publish(o2, 1, token, 1);
  const { epoch } = (await world.store.read()).record;
  await until('o-1 has promised', () => o1.replica.copy.state.promised === epoch);
  await expect(publish(o1, 2, token, 2)).rejects.toMatchObject({ code: 'unavailable' });
  expect([asked, (await world.store.read()).record.epoch]).toEqual([1, epoch]);
});
