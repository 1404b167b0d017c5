import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GopJournal, type JournalEntry, type JournalLimits } from '../../src/media/relay/gop-journal';

let root: string;
beforeEach(() => (root = join(mkdtempSync(join(tmpdir(), 'journal-')), 'media')));
afterEach(() => rmSync(join(root, '..'), { recursive: true, force: true }));

const entry = (gop: number, bytes = 100): JournalEntry => ({
  gop,
  header: { gop },
  body: [Buffer.alloc(bytes, gop), Buffer.from('end')],
});
const gopIn = ({ header }: { header: unknown }): number | undefined => (header as { gop?: number }).gop;
const opened = async (limits: Partial<JournalLimits> = {}): Promise<GopJournal> => {
  const journal = new GopJournal(root, { fileGops: 3, fileBytes: 1e6, maxBytes: 1e6, ...limits });
  await journal.load(gopIn);
  return journal;
};
const files = (): string[] => readdirSync(root).sort().map((name) => name.replace(/^0+(?=\d)/, '')); // prettier-ignore
const kept = async (): Promise<{ gops: (number | undefined)[]; cutBytes: number }> => {
  const journal = new GopJournal(root, { fileGops: 3, fileBytes: 1e6, maxBytes: 1e6 });
  const { records, cutBytes } = await journal.load(gopIn);
  return { gops: records.map(gopIn), cutBytes };
};
const sizeOf = (name: string): number => statSync(join(root, name)).size;
const nameOf = (gop: number): string => `${String(gop).padStart(12, '0')}.gops`;

describe('a journal', () => {
  test('gives back what was added, oldest first, body and all', async () => {
    const journal = await opened();
    await journal.append([entry(8), entry(9)]);
    await journal.append([]);
    await journal.append([entry(10)]);
    await journal.append([entry(11)]);
    await journal.close();
    const { records, cutBytes } = await (await opened()).load(gopIn);
    expect(records.map(gopIn)).toEqual([8, 9, 10, 11]);
    expect(Buffer.from(records[1]!.body)).toEqual(Buffer.concat(entry(9).body as Buffer[]));
    expect(cutBytes).toBe(0);
  });

  test('begins a file after so many GOPs', async () => {
    const journal = await opened({ fileGops: 3 });
    for (let gop = 8; gop < 15; gop++) await journal.append([entry(gop)]);
    await journal.close();
    expect(files()).toEqual(['8.gops', '11.gops', '14.gops']);
  });

  test('begins a file where the next record would make it longer than it may be, not before', async () => {
    const first = await opened();
    await first.append([entry(0)]);
    await first.close();
    const one = sizeOf(nameOf(0));
    await first.remove();
    const journal = await opened({ fileGops: 100, fileBytes: 2 * one });
    for (let gop = 0; gop < 5; gop++) await journal.append([entry(gop)]);
    await journal.close();
    expect(files()).toEqual(['0.gops', '2.gops', '4.gops']);
    expect(journal.bytes).toBe(5 * one);
  });

  test('lets its oldest files go when all together hold too much; the newest stays, however long', async () => {
    const probe = await opened();
    await probe.append([entry(0)]);
    const one = probe.bytes;
    await probe.remove();
    const journal = await opened({ fileGops: 1, maxBytes: 3 * one });
    for (let gop = 0; gop < 3; gop++) await journal.append([entry(gop)]);
    expect(files()).toEqual(['0.gops', '1.gops', '2.gops']);
    await journal.append([entry(3)]);
    expect(files()).toEqual(['1.gops', '2.gops', '3.gops']);
    expect(journal.bytes).toBe(3 * one);
    await journal.append([entry(4, 10_000)]);
    expect(files()).toEqual(['4.gops']);
    await journal.close();
  });

  test('drops files that hold only GOPs before one, but never its last file', async () => {
    const journal = await opened({ fileGops: 2 });
    for (let gop = 0; gop < 6; gop++) await journal.append([entry(gop)]);
    await journal.dropBefore(1);
    expect(files()).toEqual(['0.gops', '2.gops', '4.gops']);
    await journal.dropBefore(2);
    expect(files()).toEqual(['2.gops', '4.gops']);
    await journal.dropBefore(3);
    expect(files()).toEqual(['2.gops', '4.gops']);
    await journal.dropBefore(100);
    expect(files()).toEqual(['4.gops']);
    await journal.close();
  });

  test('drops a file that somebody else deleted already', async () => {
    const journal = await opened({ fileGops: 1 });
    for (let gop = 0; gop < 3; gop++) await journal.append([entry(gop)]);
    rmSync(join(root, nameOf(0)));
    await journal.dropBefore(2);
    expect(files()).toEqual(['2.gops']);
    await journal.close();
  });

  test('that is removed leaves nothing, and may be used again', async () => {
    const journal = await opened();
    await journal.append([entry(0)]);
    await journal.remove();
    expect(existsSync(root)).toBe(false);
    expect(journal.bytes).toBe(0);
    await journal.remove();
    await journal.append([entry(7)]);
    await journal.close();
    expect(await kept()).toEqual({ gops: [7], cutBytes: 0 });
  });
});

describe('after a crash', () => {
  const withGops = async (...gops: number[]): Promise<void> => {
    const journal = await opened({ fileGops: 2 });
    for (const gop of gops) await journal.append([entry(gop)]);
    await journal.close();
  };

  test('a torn record is cut off, and the rest of its file is kept', async () => {
    await withGops(0, 1, 2);
    const whole = sizeOf(nameOf(0));
    appendFileSync(join(root, nameOf(0)), 'torn');
    expect(await kept()).toEqual({ gops: [0, 1, 2], cutBytes: 4 });
    expect(sizeOf(nameOf(0))).toBe(whole);
    expect(await kept()).toEqual({ gops: [0, 1, 2], cutBytes: 0 });
  });

  test('a file without one whole record goes', async () => {
    await withGops(0);
    writeFileSync(join(root, nameOf(5)), 'torn');
    expect(await kept()).toEqual({ gops: [0], cutBytes: 4 });
    expect(files()).toEqual(['0.gops']);
  });

  test('a record that is not understood ends its file; the next file counts', async () => {
    const journal = await opened({ fileGops: 3 });
    await journal.append([entry(0), { ...entry(1), header: {} }, entry(2)]);
    await journal.append([entry(3)]);
    await journal.close();
    expect((await kept()).gops).toEqual([0, 3]);
    const strange = await opened();
    await strange.append([{ ...entry(9), header: {} }]);
    await strange.close();
    expect((await kept()).gops).toEqual([0, 3]);
    // Another release may know what it is: it is out of the way, and not lost.
    expect(files()).toEqual(['0.gops', '3.gops', expect.stringMatching(/^9\.gops\.aside-/)]);
  });

  test('files are read in the order of their GOPs, and others are left alone', async () => {
    await withGops(0, 2);
    for (const gop of [1_000_000_000_000, 999_999_999_999]) {
      const journal = await opened();
      await journal.append([entry(gop)]);
      await journal.close();
    }
    for (const name of ['5.gops', `x${nameOf(6)}`, `${nameOf(7)}.bak`])
      writeFileSync(join(root, name), 'other');
    expect((await kept()).gops).toEqual([0, 2, 999_999_999_999, 1_000_000_000_000]);
    expect(files()).toEqual(expect.arrayContaining(['5.gops', `x${nameOf(6)}`, '7.gops.bak']));
  });

  test('what was kept counts for the limits of what is added', async () => {
    await withGops(0, 1, 2, 3);
    const journal = new GopJournal(root, { fileGops: 2, fileBytes: 1e6, maxBytes: 1e6 });
    await journal.load(gopIn);
    expect(journal.bytes).toBe(sizeOf(nameOf(0)) + sizeOf(nameOf(2)));
    await journal.append([entry(4)]);
    await journal.dropBefore(2);
    expect(files()).toEqual(['2.gops', '4.gops']);
    await journal.close();
  });

  test('a GOP that comes again takes the place of the file that began with it', async () => {
    const first = await opened();
    await first.append([entry(8), entry(9)]);
    await first.close();
    const journal = await opened();
    await journal.append([entry(8)]);
    expect(journal.bytes).toBe(sizeOf(nameOf(8)));
    await journal.close();
    expect(await kept()).toEqual({ gops: [8], cutBytes: 0 });
  });
});
