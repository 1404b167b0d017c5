import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GopJournal } from '../../src/media/relay/gop-journal';
import { RingStore, type RestoredRing, type RingStoreOptions } from '../../src/media/relay/ring-store';
import { toLedgerEntry, type StoredGop } from '../../src/media/relay/stored-gop';
import { StorageHealth } from '../../src/platform/storage-health';
import type * as DiskTraceModule from '../support/disk-trace';
import { disk, diskError } from '../support/disk-trace';

jest.mock('node:fs/promises', () =>
  jest.requireActual<typeof DiskTraceModule>('../support/disk-trace').watchedFileSystem(),
);

let root: string;
let log: { error: jest.Mock; warn: jest.Mock; info: jest.Mock };
let health: StorageHealth;
let directory: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ring-'));
  directory = join(root, 'ch-1');
  log = { error: jest.fn(), warn: jest.fn(), info: jest.fn() };
  health = new StorageHealth(log as never);
  disk.reset();
});
afterEach(() => {
  disk.reset();
  rmSync(root, { recursive: true, force: true });
});

const GOP_TICKS = 180_000;
const TABLES = Buffer.alloc(188, 1);
const gopOf = (gop: number, bytes = 188): StoredGop => ({
  ledger: { gop, ptsTicks: [gop * GOP_TICKS], sha256: '', sealedAtMs: 1_000 + gop },
  sourceEndTicks: null,
  units: [
    {
      ...{ arrival: gop, kind: 'video', ptsTicks: gop * GOP_TICKS, dtsTicks: gop * GOP_TICKS },
      ...{ keyframe: true, tables: TABLES, packets: Buffer.alloc(bytes, gop), saved: false },
    },
  ],
});
/** A ring of 12 GOPs in files of 2 each, unless told otherwise. */
const storeOf = (over: Partial<RingStoreOptions> = {}): RingStore =>
  new RingStore({
    channelId: 'ch-1',
    directory,
    gopDurationTicks: GOP_TICKS,
    ringSeconds: 24,
    ringMaxBytes: () => 1e6,
    health,
    requireLock: async () => {},
    log: log as never,
    ...over,
  });
const restoredBy = async (over: Partial<RingStoreOptions> = {}): Promise<RestoredRing> => {
  const store = storeOf(over);
  const restored = await store.load();
  await store.close();
  return restored;
};
const numbersOf = ({ gops, ledgers }: RestoredRing) => ({
  gops: gops.map(({ ledger }) => ledger.gop),
  ledgers: ledgers.map(({ gop }) => gop),
});
const span = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** Saves GOPs one by one, as a ring of so many in memory does. */
const saveEach = async (store: RingStore, gops: readonly number[], ringGops: number): Promise<void> => {
  for (const gop of gops) expect(await store.save([gopOf(gop)], Math.max(0, gop - ringGops + 1))).toBe(true);
};
const filesOf = (kind: 'media' | 'ledgers'): { firstGop: number; bytes: number }[] =>
  readdirSync(join(directory, kind))
    .sort()
    .map((name) => ({ firstGop: parseInt(name, 10), bytes: statSync(join(directory, kind, name)).size }));

test('what was saved comes back after a restart: ledgers, and units with all their bytes', async () => {
  const store = storeOf();
  expect(numbersOf(await store.load())).toEqual({ gops: [], ledgers: [] });
  expect(await store.save([gopOf(7), gopOf(8)], 7)).toBe(true);
  await store.close();
  const restored = await restoredBy();
  expect(numbersOf(restored)).toEqual({ gops: [7, 8], ledgers: [7, 8] });
  expect(restored.gops[1]).toMatchObject({
    ledger: { gop: 8, ptsTicks: [8 * GOP_TICKS], sealedAtMs: 1_008 },
    units: [{ arrival: 8, keyframe: true, saved: true }],
  });
  expect(restored.gops[1]!.units[0]!.packets.equals(Buffer.alloc(188, 8))).toBe(true);
  expect(log.warn).not.toHaveBeenCalled();
});

test('GOPs before a hole are left out, but not their ledgers', async () => {
  const store = storeOf();
  await store.load();
  await saveEach(store, [1, 2, 4, 5, 8, 9], 12);
  await store.close();
  expect(numbersOf(await restoredBy())).toEqual({ gops: [8, 9], ledgers: [1, 2, 4, 5, 8, 9] });
});

test('media goes with the ring, file by file; ledgers stay for four rings', async () => {
  const ring = { ringSeconds: 12 };
  const store = storeOf(ring);
  await store.load();
  await saveEach(store, span(0, 40), 6);
  await store.close();
  expect(filesOf('media').map(({ firstGop }) => firstGop)).toEqual(span(35, 40));
  // Of four rings of 6 before 41 the first is 17, in the file of 12 to 17.
  expect(numbersOf(await restoredBy(ring))).toEqual({ gops: span(35, 40), ledgers: span(12, 40) });
});

test.each([
  [24, 2],
  [25, 3],
  [12, 1],
  [0.1, 1],
])('a ring of %d s has files of %d GOPs: six make it up', async (ringSeconds, fileGops) => {
  const store = storeOf({ ringSeconds });
  await store.load();
  await saveEach(store, span(0, 5), 12);
  await store.close();
  const firstGops = span(0, 5).filter((gop) => gop % fileGops === 0);
  expect(filesOf('media').map(({ firstGop }) => firstGop)).toEqual(firstGops);
});

test('media takes no more bytes than a ring may, in six files or more', async () => {
  const ringMaxBytes = 12_000;
  const store = storeOf({ ringMaxBytes: () => ringMaxBytes, ringSeconds: 600 });
  await store.load();
  await saveEach(store, span(0, 39).map(Number), 300);
  const files = filesOf('media');
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  expect(bytes).toBeLessThanOrEqual(ringMaxBytes);
  expect(bytes).toBeGreaterThan(0.8 * ringMaxBytes);
  for (const file of files) expect(file.bytes).toBeLessThanOrEqual(ringMaxBytes / 6);
  await store.close();
});

test('its bytes are those of media and ledgers together', async () => {
  const store = storeOf();
  await store.load();
  expect(store.bytes).toBe(0);
  await saveEach(store, span(0, 4), 12);
  const onDisk = [...filesOf('media'), ...filesOf('ledgers')].reduce((sum, { bytes }) => sum + bytes, 0);
  expect(filesOf('ledgers').length).toBeGreaterThan(0);
  expect(store.bytes).toBe(onDisk);
  await store.close();
});

test('ledgers are written once there is a file’s worth of them', async () => {
  const store = storeOf();
  await store.load();
  await saveEach(store, [0], 12);
  expect(filesOf('ledgers')).toEqual([]);
  await saveEach(store, [1], 12);
  expect(filesOf('ledgers')).toHaveLength(1);
  await store.close();
});

test('ledgers that only the media held at a restart outlast the media', async () => {
  const ring = { ringSeconds: 24 };
  const store = storeOf(ring);
  await store.load();
  await saveEach(store, [0], 12);
  await store.close();
  const next = storeOf(ring);
  await next.load();
  await saveEach(next, span(1, 16), 12);
  await next.close();
  const restored = numbersOf(await restoredBy(ring));
  expect(restored.gops[0]).toBeGreaterThan(0);
  expect(restored.ledgers).toEqual(span(0, 16));
});

test('ledgers that were written are not written again after a restart', async () => {
  const store = storeOf();
  await store.load();
  await saveEach(store, [0, 1], 12);
  await store.close();
  const next = storeOf();
  await next.load();
  await saveEach(next, [2, 3], 12);
  await next.close();
  const journal = new GopJournal(join(directory, 'ledgers'), { fileGops: 12, fileBytes: 1e6, maxBytes: 1e6 });
  const { records } = await journal.load(({ header }) => (header as { gop: number }).gop);
  await journal.close();
  expect(records.map(({ header }) => (header as { gop: number }).gop)).toEqual([0, 1, 2, 3]);
});

test('ledgers come in the order of their GOPs, and that of the media counts where there are two', async () => {
  const journal = new GopJournal(join(directory, 'ledgers'), { fileGops: 12, fileBytes: 1e6, maxBytes: 1e6 });
  await journal.load(() => 0);
  const older = gopOf(6).ledger;
  await journal.append([toLedgerEntry({ ...older, sealedAtMs: 5 }), toLedgerEntry({ ...older, gop: 9 })]);
  await journal.close();
  // Files of three: the ledgers of two GOPs are in the media only.
  const store = storeOf({ ringSeconds: 36 });
  await store.load();
  await store.save([gopOf(5), gopOf(6)], 0);
  await store.close();
  const { ledgers } = await restoredBy({ ringSeconds: 36 });
  expect(ledgers.map(({ gop }) => gop)).toEqual([5, 6, 9]);
  expect(ledgers[1]!.sealedAtMs).toBe(1_006);
});

test.each(['media', 'ledgers'] as const)(
  'what a crash left of a record of %s is cut off, and told',
  async (kind) => {
    const store = storeOf();
    await store.load();
    await saveEach(store, [0, 1], 12);
    await store.close();
    appendFileSync(join(directory, kind, '000000000000.gops'), 'part of a record');
    expect(numbersOf(await restoredBy())).toEqual({ gops: [0, 1], ledgers: [0, 1] });
    expect(log.warn.mock.calls).toEqual([
      [{ channel: 'ch-1', cutBytes: 16 }, 'what a crash left of a GOP was cut off'],
    ]);
    await restoredBy();
    expect(log.warn).toHaveBeenCalledTimes(1);
  },
);

describe('where the disk refuses', () => {
  const refuse = (kind: 'media' | 'ledgers') => {
    disk.fault = (what, path) =>
      what === 'write' && path.includes(`/${kind}/`) ? diskError('ENOSPC') : undefined;
  };

  test('media, nothing is kept, health tells of the channel, and all is well with the next', async () => {
    const store = storeOf();
    await store.load();
    await saveEach(store, [0], 12);
    refuse('media');
    expect(await store.save([gopOf(1)], 0)).toBe(false);
    expect(health.status).toMatchObject({ state: 'full', affected: ['ch-1'] });
    disk.reset();
    expect(await store.save([gopOf(1), gopOf(2)], 0)).toBe(true);
    expect(health.status.state).toBe('ok');
    await store.close();
    expect(numbersOf(await restoredBy())).toEqual({ gops: [0, 1, 2], ledgers: [0, 1, 2] });
  });

  test('media, what the ring has let go of goes first, so that there is room', async () => {
    const store = storeOf();
    await store.load();
    await saveEach(store, span(0, 5), 12);
    refuse('media');
    expect(await store.save([gopOf(6)], 4)).toBe(false);
    await store.close();
    expect(filesOf('media').map(({ firstGop }) => firstGop)).toEqual([4]);
  });

  test('ledgers, the media is kept all the same, and they are written with the next', async () => {
    const ring = { ringSeconds: 12 };
    const store = storeOf(ring);
    await store.load();
    refuse('ledgers');
    await saveEach(store, span(0, 9), 6);
    expect(log.warn).toHaveBeenCalledWith(
      { err: expect.objectContaining({ code: 'ENOSPC' }), channel: 'ch-1' },
      'ledgers could not be written',
    );
    expect(health.status.state).toBe('ok');
    disk.reset();
    await saveEach(store, [10], 6);
    await store.close();
    expect(numbersOf(await restoredBy(ring))).toEqual({ gops: span(5, 10), ledgers: span(0, 10) });
  });

  test('ledgers for long, the latest four rings of them are written in the end', async () => {
    const ring = { ringSeconds: 12 };
    const store = storeOf(ring);
    await store.load();
    refuse('ledgers');
    await saveEach(store, span(0, 59), 6);
    disk.reset();
    await saveEach(store, [60], 6);
    await store.close();
    expect(numbersOf(await restoredBy(ring)).ledgers).toEqual(span(36, 60));
  });
});

test('a channel that is removed leaves nothing behind, and its trouble with the disk is over', async () => {
  const store = storeOf();
  await store.load();
  await saveEach(store, [0, 1], 12);
  disk.fault = (what) => (what === 'write' ? diskError('ENOSPC') : undefined);
  await store.save([gopOf(2)], 0);
  disk.reset();
  expect(health.status.state).toBe('full');
  await store.remove();
  expect(existsSync(directory)).toBe(false);
  expect(health.status.state).toBe('ok');
  expect(store.bytes).toBe(0);
});

test('a channel of which nothing was ever kept can be removed too', async () => {
  await expect(storeOf().remove()).resolves.toBeUndefined();
});

test('records that are none of ours are left out', async () => {
  for (const kind of ['media', 'ledgers']) {
    const journal = new GopJournal(join(directory, kind), { fileGops: 12, fileBytes: 1e6, maxBytes: 1e6 });
    await journal.load(() => 0);
    await journal.append([{ gop: 3, header: { of: 'another program' }, body: [] }]);
    await journal.close();
  }
  expect(numbersOf(await restoredBy())).toEqual({ gops: [], ledgers: [] });
});

test('its files are closed with it', async () => {
  const store = storeOf();
  await store.load();
  await saveEach(store, [0, 1], 12);
  disk.steps.length = 0;
  await store.close();
  expect(disk.steps).toEqual(Array(2).fill('close 000000000000.gops'));
});

test('nothing is written once another process may use the folder', async () => {
  const store = storeOf({ requireLock: () => Promise.reject(new Error('the lock was taken away')) });
  await store.load();
  expect(await store.save([gopOf(0)], 0)).toBe(false);
  expect(health.status).toMatchObject({ state: 'failing', message: 'the lock was taken away' });
  await store.close();
  expect((await restoredBy()).gops).toEqual([]);
});
