import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger, readLedgerFile } from '../../src/media/origin/ledger';
import type { LedgerRecord } from '../../src/media/origin/records';
import { SegmentStore } from '../../src/media/origin/segment-store';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'ledger-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const path = (): string => join(root, 'ledger.jsonl');

const recordOf = (gop: number, gapReason?: string): LedgerRecord => ({
  ...{ gop, token: 1, encoderId: 'enc-1', sessionId: 's-1', publishedAtMs: gop, sealedAtMs: gop },
  ...{ renditions: [], programDateTimeMs: 0, discontinuities: 0 },
  ...(gapReason !== undefined && { gapReason }),
});
const lineOf = (gop: number): string => `${JSON.stringify(recordOf(gop))}\n`;
const gopsOf = (records: readonly LedgerRecord[]): number[] => records.map(({ gop }) => gop);
const read = async (): Promise<{ gops: number[]; spoiltLines: number }> => {
  const { records, spoiltLines } = await readLedgerFile(path());
  return { gops: gopsOf(records), spoiltLines };
};
const ledgerOf = (gops: number[], keptRecords = 10, fileBehind = false): Ledger =>
  new Ledger(path(), keptRecords, gops.map((gop) => recordOf(gop)), fileBehind); // prettier-ignore

describe('the file of a ledger', () => {
  test('that is not there is an empty one; one that can not be read is an error', async () => {
    expect(await readLedgerFile(path())).toEqual({ records: [], spoiltLines: 0, foreignGops: [] });
    mkdirSync(path());
    await expect(readLedgerFile(path())).rejects.toMatchObject({ code: 'EISDIR' });
  });

  test.each([
    ['whole', lineOf(4) + lineOf(5), [4, 5], 0],
    ['empty', '', [], 0],
    ['torn in its last line', lineOf(4) + lineOf(5).slice(0, -9), [4], 1],
    ['whole but for its last line feed', lineOf(4) + lineOf(5).trimEnd(), [4], 1],
    ['spoilt in a line amid others', `${lineOf(4)}{"gop":\n${lineOf(6)}`, [4, 6], 1],
    ['holding what is no record', `${lineOf(4)}{"gap":5}\n\n${lineOf(6)}`, [4, 6], 2],
    ['holding a GOP twice, or one before it', lineOf(4) + lineOf(4) + lineOf(3) + lineOf(5), [4, 5], 2],
  ])('%s', async (_, text, gops, spoiltLines) => {
    writeFileSync(path(), text);
    expect(await read()).toEqual({ gops, spoiltLines });
  });

  test('tells the GOPs of lines that are whole and not understood', async () => {
    writeFileSync(path(), `${lineOf(4)}{"gop":5,"token":"a"}\n{"gop":6}\n${lineOf(7)}`);
    expect(await readLedgerFile(path())).toMatchObject({ spoiltLines: 0, foreignGops: [5, 6] });
  });
});

describe('what is kept', () => {
  let kept: Ledger;
  beforeEach(() => (kept = ledgerOf([7, 8, 9])));

  test('is found by GOP, and by range, the end not counted', () => {
    expect([6, 7, 9, 10].map((gop) => kept.get(gop)?.gop)).toEqual([undefined, 7, 9, undefined]);
    expect(gopsOf(kept.range(8, 9))).toEqual([8]);
    expect(gopsOf(kept.range(0, Infinity))).toEqual([7, 8, 9]);
    expect(gopsOf(kept.range(0, 7))).toEqual([]);
    expect(gopsOf(kept.range(0, 3))).toEqual([]);
    expect(gopsOf(kept.range(10, 12))).toEqual([]);
  });

  test('of nothing is nothing', () => {
    const empty = ledgerOf([]);
    expect([empty.get(0), empty.last, empty.lastPublished]).toEqual([undefined, undefined, undefined]);
    expect(empty.range(0, 5)).toEqual([]);
  });

  test('knows its last GOP, and the last that was published', () => {
    const records = [recordOf(7), recordOf(8), recordOf(9, 'lost')];
    const ledger = new Ledger(path(), 10, records, false);
    expect([ledger.last?.gop, ledger.lastPublished?.gop]).toEqual([9, 8]);
    expect(ledger.findLast((r) => r.gop < 8)?.gop).toBe(7);
  });
});

describe('a ledger that grows', () => {
  test('keeps what it must in memory and in its file, and writes the file anew only when it is twice as long', async () => {
    const ledger = ledgerOf([], 3);
    const sizes: number[] = [];
    for (let gop = 0; gop < 8; gop++) {
      await ledger.append(recordOf(gop));
      sizes.push(readFileSync(path(), 'utf8').split('\n').length - 1);
    }
    expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 4, 5]);
    expect(gopsOf(ledger.range(0, 100))).toEqual([3, 4, 5, 6, 7]);
    await ledger.close();
    expect(await read()).toEqual({ gops: [3, 4, 5, 6, 7], spoiltLines: 0 });
  });

  test('appends to the same file, and does not write it anew each time', async () => {
    const ledger = ledgerOf([]);
    await ledger.append(recordOf(0));
    const { ino } = statSync(path());
    await ledger.append(recordOf(1));
    await ledger.close();
    await ledger.append(recordOf(2));
    await ledger.close();
    expect(statSync(path()).ino).toBe(ino);
    expect((await read()).gops).toEqual([0, 1, 2]);
  });

  test('whose file lacks records writes all of them before it adds one', async () => {
    appendFileSync(path(), 'torn');
    const ledger = ledgerOf([3, 4], 10, true);
    await ledger.append(recordOf(5));
    await ledger.close();
    expect(await read()).toEqual({ gops: [3, 4, 5], spoiltLines: 0 });
  });

  test('whose file could not be written when records were taken back writes it when asked again', async () => {
    const ledger = ledgerOf([]);
    for (const gop of [0, 1, 2]) await ledger.append(recordOf(gop));
    mkdirSync(`${path()}.new`);
    await expect(ledger.truncateFrom(1)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(ledger.truncateFrom(1)).rejects.toMatchObject({ code: 'EISDIR' });
    expect((await read()).gops).toEqual([0, 1, 2]);
    rmSync(`${path()}.new`, { recursive: true });
    await ledger.truncateFrom(1);
    expect((await read()).gops).toEqual([0]);
  });

  test('takes gaps in as they are, and begins anew behind a hole', async () => {
    const ledger = ledgerOf([3, 4]);
    await ledger.appendCommitted([]);
    await ledger.appendCommitted([recordOf(5, 'lost'), recordOf(6, 'lost')]);
    expect(gopsOf(ledger.range(0, 100))).toEqual([3, 4, 5, 6]);
    await ledger.appendCommitted([recordOf(60, 'lost')]);
    expect(gopsOf(ledger.range(0, 100))).toEqual([60]);
    expect((await read()).gops).toEqual([60]);
    const { ino } = statSync(path());
    await ledger.append(recordOf(61));
    await ledger.close();
    expect(statSync(path()).ino).toBe(ino);
    expect((await read()).gops).toEqual([60, 61]);
  });

  test('keeps the latest also of a gap that is much longer than what it must keep', async () => {
    const ledger = ledgerOf([], 2);
    await ledger.appendCommitted([0, 1, 2, 3, 4, 5, 6].map((gop) => recordOf(gop, 'lost')));
    await ledger.append(recordOf(7));
    expect(gopsOf(ledger.range(0, 99))).toEqual([5, 6, 7]);
    await ledger.close();
    expect((await read()).gops).toEqual([5, 6, 7]);
  });

  test('counts a gap that is durable elsewhere though its file could not be written, and catches up', async () => {
    const ledger = new Ledger(join(root, 'none', 'ledger.jsonl'), 10, [recordOf(3)], false);
    await expect(ledger.appendCommitted([recordOf(4, 'lost')])).rejects.toMatchObject({ code: 'ENOENT' });
    expect(gopsOf(ledger.range(0, 100))).toEqual([3, 4]);
    await expect(ledger.append(recordOf(5))).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(join(root, 'none'));
    await ledger.append(recordOf(5));
    await ledger.close();
    expect(gopsOf((await readLedgerFile(join(root, 'none', 'ledger.jsonl'))).records)).toEqual([3, 4, 5]);
  });
});

describe('stored segments', () => {
  const gops = (): string => join(root, 'gops');
  const stored = async (isWhole: (gop: number, bytes: number) => boolean): Promise<SegmentStore> => {
    const store = new SegmentStore(gops());
    await store.load(isWhole);
    return store;
  };
  const put = (name: string, bytes: number): void => writeFileSync(join(gops(), name), Buffer.alloc(bytes));

  test('are those that are whole; all else in the folder is deleted', async () => {
    mkdirSync(gops());
    put('10.ts', 5);
    put('9.ts', 7);
    put('11.ts', 1);
    put('12.ts.new', 3);
    put('x13.ts', 3);
    put('notes', 3);
    const asked: [number, number][] = [];
    const store = await stored((gop, bytes) => {
      asked.push([gop, bytes]);
      return !Number.isNaN(gop) && bytes > 1;
    });
    const numbered = asked.filter(([gop]) => !Number.isNaN(gop)).sort((a, b) => a[0] - b[0]);
    expect(numbered).toEqual([
      [9, 7],
      [10, 5],
      [11, 1],
    ]);
    expect([store.has(9), store.has(10), store.has(11), store.bytes, store.oldestGop]).toEqual([
      ...[true, true, false],
      ...[12, 9],
    ]);
    const again = await stored(() => true);
    expect([again.bytes, again.oldestGop]).toEqual([12, 9]);
  });

  test('are read in part, removed one by one, and cleared', async () => {
    const store = await stored(() => true);
    expect([store.oldestGop, store.bytes]).toEqual([null, 0]);
    await store.write(3, Buffer.from('aaabbbb'));
    await store.write(4, Buffer.from('cc'));
    const chunks: Buffer[] = [];
    for await (const chunk of store.read(3, 3, 3)) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('bbb');
    await store.remove(3);
    await store.remove(77);
    expect([store.has(3), store.oldestGop, store.bytes]).toEqual([false, 4, 2]);
    expect((await stored(() => true)).oldestGop).toBe(4);
    await store.clear();
    expect([store.has(4), store.oldestGop, store.bytes]).toEqual([false, null, 0]);
    await store.write(0, Buffer.from('d'));
    expect((await stored(() => true)).bytes).toBe(1);
  });
});
