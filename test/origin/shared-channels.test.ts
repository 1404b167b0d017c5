import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { DiskBudget } from '../../src/media/origin/disk-budget';
import { Origin } from '../../src/media/origin/origin';
import { channelRecordSchema } from '../../src/media/origin/records';
import { ReplicaGroup, type SharedRecord } from '../../src/media/origin/replication';
import { EmbeddedOwnershipStore, type Held, type OwnershipStore } from '../../src/media/ownership-store';
import { OpenFiles } from '../../src/platform/open-files';
import { SharedBudget } from '../../src/platform/shared-budget';
import { StorageHealth } from '../../src/platform/storage-health';
import { until } from '../support/until';

/** One origin of those that share channels, and a store that others write too. */

const format = { gopDurationTicks: 180_000, framesPerSecond: 25 };
const limits = { retentionMs: 60_000, retentionBytes: 1e9, keptRecords: 10 };
const silent = pino({ level: 'silent' });

class MemoryStore implements OwnershipStore<SharedRecord> {
  private readonly all = new Map<string, Held<SharedRecord>>();
  private revision = 0;
  writes = 0;

  async read(id: string): Promise<Held<SharedRecord> | undefined> {
    return structuredClone(this.all.get(id));
  }

  async readAll(): Promise<Map<string, Held<SharedRecord>>> {
    return structuredClone(this.all);
  }

  async replace(id: string, record: SharedRecord, version: string | null): Promise<string | null> {
    if ((this.all.get(id)?.version ?? null) !== version) return null;
    this.writes += 1;
    this.all.set(id, { record: structuredClone(record), version: String((this.revision += 1)) });
    return String(this.revision);
  }
}

let directory: string;
let store: MemoryStore;
let group: ReplicaGroup;
let others: ReplicaGroup;
let health: StorageHealth;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shared-channels-'));
  store = new MemoryStore();
  [group, others] = ['o-1', 'o-2'].map(
    (name) => new ReplicaGroup({ name, peers: [], store, log: silent }),
  ) as [ReplicaGroup, ReplicaGroup];
  health = new StorageHealth(silent);
});
afterEach(async () => {
  await group.stop();
  await rm(directory, { recursive: true, force: true });
});

const request = { expectToken: 0, owner: { encoderId: 'enc-1', sessionId: 's-1' }, fromGop: 0 };

const open = (): Promise<Origin> => {
  const memory = new SharedBudget({
    ...{ what: 'memory', totalBytes: 1e9, mostBytes: 1e6, leastBytes: 1e4 },
    variable: 'SWARM_ORIGIN_MEMORY_MIB',
  });
  return Origin.open(directory, {
    ...{ store: new EmbeddedOwnershipStore(directory, channelRecordSchema), group, limits, memory, health },
    budget: new DiskBudget({ ...limits, totalBytes: null }, memory),
    files: new OpenFiles({ part: 'the origin', perChannel: 4 }),
    log: silent,
    now: () => 0,
    monotonicMs: () => 0,
    requireLock: async () => {},
    relay: {} as never,
  });
};

test('a channel that can not be taken up keeps no other one waiting, and is told of once', async () => {
  const told: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push((JSON.parse(line) as { channel?: string }).channel ?? line) }); // prettier-ignore
  group = new ReplicaGroup({ name: 'o-1', peers: [], store, log });
  for (const id of ['ch-1', 'ch-2']) await others.register(id, format);
  const seen: string[] = [];
  await group.begin({
    onAir: async (id) => {
      if (id === 'ch-1') throw new Error('The disk is full.');
      seen.push(id);
    },
    offAir: async () => undefined,
  });
  await until('it has looked twice', () => seen.length >= 2);
  expect(new Set(seen)).toEqual(new Set(['ch-2']));
  expect(told).toEqual(['ch-1']);
});

describe('an origin', () => {
  let origin: Origin;
  beforeEach(async () => (origin = await open()));
  afterEach(() => origin.close().catch(() => undefined));

  test('whose disk has refused asks its disk again, and takes no lead for that', async () => {
    await origin.register('ch-1', format);
    await origin.channel('ch-1').own({ ...request, requestId: 'r' });
    const { record, version } = (await store.read('ch-1'))!;
    await store.replace('ch-1', { ...record, epoch: record.epoch + 1, leader: 'o-2' }, version);
    await origin.channel('ch-1').refresh();
    const { writes } = store;
    const refusal = Object.assign(new Error('no room'), { code: 'ENOSPC', syscall: 'write' });
    health.failed('ch-1', refusal);
    const inTheWay = join(directory, 'ch-1', 'replica.json.new');
    await mkdir(inTheWay);
    await expect(origin.channel('ch-1').probeStorage()).rejects.toBeDefined();
    expect(health.status).toMatchObject({ state: 'failing', affected: ['ch-1'] });
    await rm(inTheWay, { recursive: true });
    await origin.channel('ch-1').probeStorage();
    expect(health.status.state).toBe('ok');
    expect(store.writes).toBe(writes);
  });

  test('counts no channel as refused by its disk that others have removed', async () => {
    await origin.register('ch-1', format);
    health.failed('ch-1', new Error('no room'));
    await others.remove('ch-1');
    await until('it is gone', () => origin.find('ch-1') === undefined && group.replica('ch-1') === undefined);
    expect(health.status.affected).toEqual([]);
  });

  test('keeps a channel that was added again since it read of the removal', async () => {
    await origin.register('ch-1', format);
    await origin.remove('ch-1');
    const stale = structuredClone(await store.readAll());
    let looks = 0;
    store.readAll = async () => {
      looks += 1;
      return stale;
    };
    await origin.register('ch-1', format);
    const channel = origin.find('ch-1');
    await until('it has looked', () => looks >= 2);
    expect(origin.find('ch-1')).toBe(channel);
    expect(channel).toBeDefined();
  });

  test('writes nothing of a channel once it has stopped', async () => {
    await origin.register('ch-1', format);
    const { record } = (await store.read('ch-1'))!;
    for (let token = 1; token < 50; token += 1)
      group.replica('ch-1')!.observe({
        record: { ...record, ownership: { ...record.ownership, token } },
        version: String(1_000 + token),
      });
    await origin.close();
    await rm(join(directory, 'ch-1'), { recursive: true });
    await mkdir(join(directory, 'ch-1'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await readdir(join(directory, 'ch-1'))).toEqual([]);
  });

  describe('with damaged files', () => {
    const damage = async (): Promise<void> => {
      await origin.close();
      group = new ReplicaGroup({ name: 'o-1', peers: [], store, log: silent });
      await others.register('ch-1', format);
      await mkdir(join(directory, 'ch-1'), { recursive: true });
      await writeFile(join(directory, 'ch-1', 'channel.json'), 'spoilt');
    };

    test('goes on by the store, and tells of no damage then', async () => {
      await damage();
      origin = await open();
      expect(origin.find('ch-1')).toBeDefined();
      expect(origin.damaged).toEqual([]);
    });

    test('sets them aside with the removal of their channel', async () => {
      await damage();
      await mkdir(join(directory, 'ch-1', 'ledger.jsonl'));
      origin = await open();
      expect(origin.damaged).toMatchObject([{ what: 'ch-1' }]);
      await origin.remove('ch-1');
      expect(origin.damaged).toEqual([]);
      expect((await readdir(directory)).filter((name) => name.startsWith('ch-1'))).toEqual([
        expect.stringContaining('aside'),
      ]);
      await origin.register('ch-1', format);
      expect(origin.find('ch-1')).toBeDefined();
    });
  });
});
