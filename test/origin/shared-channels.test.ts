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
  [group, others] = ['o-1', 'o-2'].map((name) => new ReplicaGroup({ name, peers: [], store, log: silent })) as [
    ReplicaGroup,
    ReplicaGroup,
  ];
  health = new StorageHealth(silent);
});
afterEach(async () => {
  await group.stop();
  await rm(directory, { recursive: true, force: true });
});

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
