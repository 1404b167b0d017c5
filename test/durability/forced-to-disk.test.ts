import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAnchor, writeAnchor } from '../../src/collector/audience/anchor';
import { DiskBudget } from '../../src/media/origin/disk-budget';
import { Ledger, readLedgerFile } from '../../src/media/origin/ledger';
import { Origin } from '../../src/media/origin/origin';
import { channelRecordSchema, type LedgerRecord } from '../../src/media/origin/records';
import { SegmentStore } from '../../src/media/origin/segment-store';
import { EmbeddedOwnershipStore } from '../../src/media/ownership-store';
import { ChannelFiles } from '../../src/media/relay/channel-files';
import { GopJournal, type JournalEntry } from '../../src/media/relay/gop-journal';
import { ChannelListFile } from '../../src/media/source/channel-list-file';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { ModelStore } from '../../src/models/model-store';
import { TrainingFiles } from '../../src/models/training-files';
import { moveIntoPlace } from '../../src/platform/durable-file';
import { OpenFiles } from '../../src/platform/open-files';
import { setAside, setCopyAside } from '../../src/platform/set-aside';
import { SharedBudget } from '../../src/platform/shared-budget';
import { StorageHealth } from '../../src/platform/storage-health';
import type * as DiskTraceModule from '../support/disk-trace';
import { disk, diskError } from '../support/disk-trace';

jest.mock('node:fs/promises', () =>
  jest.requireActual<typeof DiskTraceModule>('../support/disk-trace').watchedFileSystem(),
);

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forced-'));
  disk.reset();
});
afterEach(() => {
  disk.reset();
  rmSync(root, { recursive: true, force: true });
});

/** What was answered for must outlast a power cut at this very moment. */
const expectSafe = (): void => {
  expect(disk.atRisk).toEqual([]);
  expect(disk.renamedTooEarly).toEqual([]);
};
const log = Object.assign(() => undefined, {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
}) as never;

describe('the ledger of the origin', () => {
  const recordOf = (gop: number): LedgerRecord => ({
    ...{ gop, token: 1, encoderId: 'enc-1', sessionId: 's-1', publishedAtMs: gop, sealedAtMs: gop },
    ...{ renditions: [], programDateTimeMs: 0, discontinuities: 0 },
  });
  const path = (): string => join(root, 'ledger.jsonl');
  const onDisk = async (): Promise<number[]> => (await readLedgerFile(path())).records.map((r) => r.gop);

  test('a line is on the disk when it is added, from the first on', async () => {
    const ledger = new Ledger(path(), 3, [], false);
    for (let gop = 0; gop < 3; gop++) {
      await ledger.append(recordOf(gop));
      expectSafe();
    }
    await ledger.close();
    expect(await onDisk()).toEqual([0, 1, 2]);
  });

  test('stays so where the file is written anew, and after a gap', async () => {
    const ledger = new Ledger(path(), 2, [], false);
    for (let gop = 0; gop < 5; gop++) await ledger.append(recordOf(gop));
    expectSafe();
    expect(await onDisk()).toEqual([2, 3, 4]);
    await ledger.appendCommitted([recordOf(5), recordOf(6)]);
    expectSafe();
    expect(await onDisk()).toEqual([2, 3, 4, 5, 6]);
    await ledger.append(recordOf(7));
    expectSafe();
    await ledger.close();
  });

  test.each(['write', 'sync'])(
    'a line that the disk refuses to %s does not count, nor does a part of it',
    async (step) => {
      const ledger = new Ledger(path(), 10, [], false);
      await ledger.append(recordOf(0));
      const refused = diskError('ENOSPC');
      disk.fault = (what) => (what === step ? refused : undefined);
      await expect(ledger.append(recordOf(1))).rejects.toBe(refused);
      expect(ledger.last?.gop).toBe(0);
      expect(await onDisk()).toEqual([0]);
      disk.fault = () => undefined;
      await ledger.append(recordOf(1));
      expectSafe();
      expect(await readLedgerFile(path())).toMatchObject({
        records: [{ gop: 0 }, { gop: 1 }],
        spoiltLines: 0,
      });
      await ledger.close();
    },
  );

  test('a line whose file has no name for sure does not count, and its file is closed', async () => {
    const ledger = new Ledger(path(), 10, [], false);
    disk.fault = (what) => (what === 'sync-folder' ? diskError('EIO') : undefined);
    await expect(ledger.append(recordOf(0))).rejects.toThrow('EIO');
    expect(ledger.last).toBeUndefined();
    expect(disk.steps).toContain('close ledger.jsonl');
    disk.fault = () => undefined;
    await ledger.append(recordOf(0));
    expectSafe();
    await ledger.close();
    expect(await onDisk()).toEqual([0]);
  });

  test('is written anew where what was left of a line could not be taken back', async () => {
    const ledger = new Ledger(path(), 10, [], false);
    await ledger.append(recordOf(0));
    disk.fault = (what) => (what === 'sync' || what === 'truncate' ? diskError('EIO') : undefined);
    await expect(ledger.append(recordOf(1))).rejects.toThrow('EIO');
    disk.fault = () => undefined;
    await ledger.append(recordOf(1));
    expectSafe();
    expect(await readLedgerFile(path())).toMatchObject({ records: [{ gop: 0 }, { gop: 1 }], spoiltLines: 0 });
    await ledger.close();
  });
});

describe('a channel of the origin', () => {
  const limits = { retentionMs: 60_000, retentionBytes: 1e9, keptRecords: 10 };
  const memory = new SharedBudget({
    ...{ what: 'memory', totalBytes: 1e9, mostBytes: 1e6, leastBytes: 1e4 },
    variable: 'SWARM_ORIGIN_MEMORY_MIB',
  });
  const open = (): Promise<Origin> =>
    Origin.open(join(root, 'origin'), {
      store: new EmbeddedOwnershipStore(join(root, 'origin'), channelRecordSchema),
      limits,
      budget: new DiskBudget({ ...limits, totalBytes: null }, memory),
      memory,
      files: new OpenFiles({ part: 'the origin', perChannel: 4 }),
      log,
      now: () => 0,
      monotonicMs: () => 0,
      requireLock: async () => {},
      health: new StorageHealth(log),
      relay: {} as never,
    });
  const format = { gopDurationTicks: 180_000, framesPerSecond: 25 };

  test('each change of owner, each gap and each removal is on the disk when it is answered', async () => {
    const origin = await open();
    expectSafe();
    await origin.register('ch-1', format);
    expectSafe();
    const channel = origin.channel('ch-1');
    const owner = { encoderId: 'enc-1', sessionId: 's-1' };
    await channel.own({ requestId: 'r', expectToken: 0, owner, fromGop: 0 });
    expectSafe();
    await channel.declareGap({ fromGop: 0, toGop: 4, reason: 'no input', token: 1 });
    expectSafe();
    await channel.own({
      requestId: 's',
      expectToken: 1,
      owner: null,
      fromGop: 7,
      gapReason: 'left the ring',
    });
    expectSafe();
    await origin.remove('ch-1');
    expectSafe();
    await origin.register('ch-1', format);
    expectSafe();
    await origin.close();
    const again = await open();
    expect(again.channel('ch-1').describe()).toMatchObject({ token: 3, owner: null, nextGop: 0 });
    await again.close();
  });

  test('that the disk refuses to hand over stays with its owner', async () => {
    const origin = await open();
    await origin.register('ch-1', format);
    const channel = origin.channel('ch-1');
    const owner = { encoderId: 'enc-1', sessionId: 's-1' };
    disk.fault = (what) => (what === 'sync' ? diskError('ENOSPC') : undefined);
    await expect(channel.own({ requestId: 'r', expectToken: 0, owner, fromGop: 0 })).rejects.toMatchObject({
      code: 'storage-full',
    });
    expect(channel.describe()).toMatchObject({ token: 0, owner: null });
    await origin.close();
  });
});

test('a published GOP is on the disk under its name when it is stored', async () => {
  const store = new SegmentStore(root);
  await store.load(() => true);
  await store.write(0, Buffer.from('first'));
  expectSafe();
  disk.fault = (what) => (what === 'sync' ? diskError('ENOSPC') : undefined);
  await expect(store.write(1, Buffer.from('second'))).rejects.toThrow('ENOSPC');
  expect([store.has(0), store.has(1), store.bytes]).toEqual([true, false, 5]);
});

describe('the ring of the relay', () => {
  const entry = (gop: number): JournalEntry => ({ gop, header: { gop }, body: [Buffer.alloc(100, gop)] });
  const limits = { fileGops: 2, fileBytes: 10_000, maxBytes: 1e6 };
  const gopIn = ({ header }: { header: unknown }): number => (header as { gop: number }).gop;
  const directory = (): string => join(root, 'relay', 'ch-1', 'media');
  const opened = async (): Promise<GopJournal> => {
    const journal = new GopJournal(directory(), limits);
    await journal.load(gopIn);
    return journal;
  };
  const kept = async (): Promise<number[]> => {
    const { records } = await new GopJournal(directory(), limits).load(gopIn);
    return records.map(gopIn);
  };

  test('a GOP is on the disk when it is saved, in a new file too', async () => {
    const journal = await opened();
    for (let gop = 0; gop < 5; gop++) {
      await journal.append([entry(gop)]);
      expectSafe();
    }
    await journal.close();
    expect(await kept()).toEqual([0, 1, 2, 3, 4]);
  });

  test.each(['write', 'sync'])('GOPs that the disk refuses to %s are kept all or none', async (step) => {
    const journal = await opened();
    await journal.append([entry(0)]);
    disk.fault = (what) => (what === step ? diskError('ENOSPC') : undefined);
    await expect(journal.append([entry(1), entry(2)])).rejects.toThrow('ENOSPC');
    disk.fault = () => undefined;
    expect(await kept()).toEqual([0]);
    await journal.append([entry(1), entry(2)]);
    expectSafe();
    await journal.close();
    expect(await kept()).toEqual([0, 1, 2]);
  });

  test('a disk that takes a part of what is written is given the rest', async () => {
    const journal = await opened();
    disk.mostBytesAWrite = 33;
    await journal.append([entry(0)]);
    await journal.append([entry(1)]);
    expectSafe();
    await journal.close();
    expect(await kept()).toEqual([0, 1]);
  });

  test('a file whose name could not be forced is none', async () => {
    const journal = await opened();
    disk.fault = (what) => (what === 'sync-folder' ? diskError('EIO') : undefined);
    await expect(journal.append([entry(0)])).rejects.toThrow('EIO');
    disk.fault = () => undefined;
    expect(journal.bytes).toBe(0);
    await journal.append([entry(0)]);
    expectSafe();
    await journal.close();
    expect(await kept()).toEqual([0]);
  });
});

describe('the channels of the relay', () => {
  const record = { gopDurationTicks: 180_000, nextGop: 0 };
  const withChannel = async (): Promise<ChannelFiles> => {
    const files = new ChannelFiles(root);
    await files.load();
    await files.create('ch-1', record);
    return files;
  };

  test('one is on the disk when it is made known', async () => {
    await withChannel();
    expectSafe();
  });

  test('the number of its next GOP is on the disk before that GOP is made known', async () => {
    const files = await withChannel();
    await files.update('ch-1', { ...record, nextGop: 7 });
    expectSafe();
    expect((await new ChannelFiles(root).load()).records).toEqual(
      new Map([['ch-1', { ...record, nextGop: 7 }]]),
    );
  });

  test('a number that the disk refuses to force is refused', async () => {
    const files = await withChannel();
    disk.fault = (what) => (what === 'sync' ? diskError('EIO') : undefined);
    disk.steps.length = 0;
    await expect(files.update('ch-1', { ...record, nextGop: 7 })).rejects.toThrow('EIO');
    expect(disk.steps.at(-1)).toBe('close ch-1.json');
  });

  test('one that was removed stays so', async () => {
    const files = await withChannel();
    await files.remove('ch-1');
    expect(disk.mayComeBack).toEqual([]);
    await files.remove('ch-1');
    expect((await new ChannelFiles(root).load()).records).toEqual(new Map());
  });
});

test('the channels of the source are on the disk when they are saved', async () => {
  const file = new ChannelListFile(root);
  expect(await file.load()).toEqual({ channels: [], damaged: [] });
  const channels = [{ id: 'ch-1', gopDurationTicks: 180_000 }] as never;
  await file.save(channels);
  expectSafe();
  expect(JSON.parse(readFileSync(join(root, 'source', 'channels.json'), 'utf8'))).toEqual(channels);
});

test('what is set aside is on the disk before its original is written anew', async () => {
  const file = join(root, 'ledger.jsonl');
  writeFileSync(file, 'not understood');
  const copy = await setCopyAside(file, 0);
  expectSafe();
  expect(readFileSync(copy, 'utf8')).toBe('not understood');
  const aside = await setAside(file, 1);
  expectSafe();
  expect([existsSync(file), existsSync(aside)]).toEqual([false, true]);
});

test('a tool is whole on the disk before it has the name by which it is found', async () => {
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(join(root, 'made', 'bin'), { recursive: true });
  await writeFile(join(root, 'made', 'bin', 'tool'), 'program');
  await moveIntoPlace(join(root, 'made', 'bin', 'tool'), join(root, 'tool'));
  expect(disk.renamedTooEarly).toEqual([]);
  await writeFile(join(root, 'made', 'bin', 'other'), 'program');
  await moveIntoPlace(join(root, 'made'), join(root, 'package'));
  expectSafe();
  expect(readFileSync(join(root, 'package', 'bin', 'other'), 'utf8')).toBe('program');
});

test('the key of the stamps is on the disk before the first picture carries it', async () => {
  const stateDir = join(root, 'state');
  const key = await loadOrCreateStampKey(stateDir);
  expectSafe();
  expect(await loadOrCreateStampKey(stateDir)).toEqual(key);
});

test('the beginning of the audience scenario is on the disk when it is noted', async () => {
  const anchor = { anchorMs: 1, stepSeconds: 60, roles: {} };
  await writeAnchor(join(root, 'state'), anchor);
  expectSafe();
  expect(await readAnchor(join(root, 'state'))).toEqual(anchor);
});

describe('models', () => {
  test('the history to train on is on the disk when it is written', async () => {
    await new TrainingFiles(join(root, 'runs', 'one')).writeDataset({} as never);
    expectSafe();
  });

  test('the back end in use is noted durably', async () => {
    const store = new ModelStore(root, 'local', null);
    await store.noteBackEnd({ name: 'cpu', why: 'test' } as never);
    expectSafe();
  });
});

test('the watch itself sees what is not forced', async () => {
  const { open, rename, mkdir, writeFile, link, rm } = await import('node:fs/promises');
  mkdirSync(join(root, 'known'));
  const handle = await open(join(root, 'known', 'a'), 'w');
  await handle.writeFile('x');
  expect(disk.atRisk).toEqual(['bytes of a', 'name of a']);
  await rename(join(root, 'known', 'a'), join(root, 'known', 'b'));
  expect(disk.renamedTooEarly).toEqual(['b']);
  await handle.sync();
  await handle.close();
  await mkdir(join(root, 'made'));
  expect(disk.atRisk).toEqual(expect.arrayContaining(['name of b', 'name of made']));
  await writeFile(join(root, 'draft'), 'x');
  await link(join(root, 'draft'), join(root, 'linked'));
  expect(disk.renamedTooEarly).toEqual(['b', 'linked']);
  mkdirSync(join(root, 'old'));
  await rm(join(root, 'old'), { recursive: true });
  expect(disk.mayComeBack).toEqual(['old']);
});
