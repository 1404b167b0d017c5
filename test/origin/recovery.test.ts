import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Ledger, readLedgerFile } from '../../src/media/origin/ledger';
import { newOwnership, type OwnershipState } from '../../src/media/origin/ownership';
import { channelRecordSchema, type LedgerRecord } from '../../src/media/origin/records';
import { repairLedger } from '../../src/media/origin/recovery';
import { EmbeddedOwnershipStore } from '../../src/media/ownership-store';
import fc from '../support/fast-check';

const recordOf = (gop: number): LedgerRecord => ({
  gop,
  token: 3,
  encoderId: 'enc-1',
  sessionId: 's-1',
  publishedAtMs: 1_000_000 + gop * 2_000,
  sealedAtMs: 999_000 + gop * 2_000,
  renditions: [],
  programDateTimeMs: 997_000 + gop * 2_000,
  discontinuities: 0,
});
const run = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => recordOf(from + i));
const ownership = (options: Partial<OwnershipState>): OwnershipState => ({
  ...newOwnership(),
  token: 4,
  hasPublished: true,
  ...options,
});
const options = { gopDurationTicks: 180_000, atMost: 100, nowMs: 5_000_000 };
const gopsOf = (records: readonly LedgerRecord[]) => records.map((r) => r.gop);

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ledger-test-'));
  path = join(directory, 'ledger.jsonl');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('ledger file', () => {
  test('cut off anywhere, it gives back every whole line, and goes on from there', async () => {
    const ledger = new Ledger(path, 100, [], false);
    for (const record of run(0, 5)) await ledger.append(record);
    await ledger.close();
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (bytes) => {
        await writeFile(path, whole);
        await truncate(path, bytes);
        const wholeLines = whole.subarray(0, bytes).toString().split('\n').length - 1;
        const { records, spoiltLines } = await readLedgerFile(path);
        expect(gopsOf(records)).toEqual(gopsOf(run(0, wholeLines)));
        const again = new Ledger(path, 100, records, spoiltLines > 0);
        await again.append(recordOf(wholeLines));
        await again.close();
        expect(await readLedgerFile(path)).toMatchObject({
          records: run(0, wholeLines + 1),
          spoiltLines: 0,
        });
      }),
      { numRuns: 60 },
    );
  });

  test('is written anew when it holds twice what must be kept', async () => {
    const ledger = new Ledger(path, 10, [], false);
    for (const record of run(0, 25)) await ledger.append(record);
    expect(gopsOf(ledger.range(0, 100))).toEqual(gopsOf(run(10, 25)));
    expect(ledger.get(9)).toBeUndefined();
    expect(ledger.get(12)?.gop).toBe(12);
    await ledger.close();
    expect(gopsOf((await readLedgerFile(path)).records)).toEqual(gopsOf(run(10, 25)));
  });

  test('a record that can not be written is not in the ledger', async () => {
    const ledger = new Ledger(join(directory, 'missing', 'ledger.jsonl'), 10, [], false);
    await expect(ledger.append(recordOf(0))).rejects.toThrow('ENOENT');
    expect(ledger.last).toBeUndefined();
  });
});

describe('repair after a crash', () => {
  test('GOPs published after the last change of owner come from the ledger alone', () => {
    expect(repairLedger(run(3, 9), ownership({ nextGop: 5 }), options)).toEqual(run(3, 9));
  });

  test('a declared gap whose lines were not written yet is written from the record', () => {
    const lastGap = { fromGop: 5, toGop: 8, reason: 'left the ring', token: 4 };
    const repaired = repairLedger(run(3, 5), ownership({ nextGop: 8, gapsDeclared: 3, lastGap }), options);
    expect(gopsOf(repaired)).toEqual([3, 4, 5, 6, 7]);
    expect(repaired.slice(2).map((r) => [r.gapReason, r.token])).toEqual(Array(3).fill(['left the ring', 4]));
    expect(repaired[4]!.programDateTimeMs).toBe(recordOf(7).programDateTimeMs);
  });

  test('what was acknowledged and is gone becomes a declared gap', () => {
    const spoiltInTheMiddle = [...run(0, 2), ...run(3, 5)];
    const repaired = repairLedger(spoiltInTheMiddle, ownership({ nextGop: 7 }), options);
    expect(gopsOf(repaired)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(repaired.filter((r) => r.gapReason === 'lost when the origin stopped').map((r) => r.gop)).toEqual([
      2, 5, 6,
    ]);
  });

  test('a channel that has published nothing has nothing to repair', () => {
    expect(repairLedger([], ownership({ hasPublished: false, nextGop: 40 }), options)).toEqual([]);
  });

  test('of a gap longer than what is kept, the end is kept', () => {
    const lastGap = { fromGop: 2, toGop: 1_000, reason: 'night', token: 4 };
    const repaired = repairLedger(
      run(0, 2),
      ownership({ nextGop: 1_000, gapsDeclared: 998, lastGap }),
      options,
    );
    expect(gopsOf(repaired)).toEqual(Array.from({ length: 100 }, (_, i) => 900 + i));
  });

  test('a damaged record of ownership is refused, not guessed', async () => {
    const store = new EmbeddedOwnershipStore(dirname(directory), channelRecordSchema);
    const read = () => store.read(basename(directory));
    expect(await read()).toBeUndefined();
    await writeFile(join(directory, 'channel.json'), '{"onAir":true,"gopDur');
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
    await writeFile(join(directory, 'channel.json'), '{"onAir":true}');
    await expect(read()).rejects.toThrow('is damaged');
  });
});
