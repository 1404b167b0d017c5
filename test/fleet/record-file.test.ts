import type * as FileSystem from 'node:fs';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { RecordFile } from '../../src/fleet/record-file';

/** What was asked of the disk, in order. */
const mockSteps: string[] = [];
let mockFault: string | undefined;
/** Paths of files and folders that are open, by descriptor. */
const mockOpen = new Map<unknown, string>();

jest.mock('node:fs', () => {
  const real = jest.requireActual<typeof FileSystem>('node:fs');
  const note = (what: string, path: unknown): void => {
    const step = `${what} ${basename(mockOpen.get(path) ?? String(path))}`;
    if (what !== 'open') mockSteps.push(step);
    if (step === mockFault) throw Object.assign(new Error(`EIO: ${step}`), { code: 'EIO' });
  };
  return {
    ...real,
    openSync: (path: string, flags: string) => {
      note('open', path);
      const file = real.openSync(path, flags);
      mockOpen.set(file, path);
      return file;
    },
    closeSync: (file: number) => {
      real.closeSync(file);
      mockOpen.delete(file);
    },
    writeFileSync: (file: number, content: string) => {
      note('write', file);
      real.writeFileSync(file, content);
    },
    fsyncSync: (file: number) => {
      note('sync', file);
      real.fsyncSync(file);
    },
    renameSync: (from: string, to: string) => {
      note('rename', from);
      real.renameSync(from, to);
    },
  };
});

let folder: string;
let file: RecordFile<z.ZodArray<z.ZodString>>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'records-'));
  file = new RecordFile(join(folder, 'fleet', 'list.json'), z.array(z.string()));
  mockSteps.length = 0;
  mockFault = undefined;
});
afterEach(() => {
  mockFault = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test('records are on the disk, bytes and name, when they are written', () => {
  file.write(['enc-1']);
  expect(mockSteps).toEqual([
    'write list.json.new',
    'sync list.json.new',
    'rename list.json.new',
    'sync fleet',
  ]);
  expect(file.read([])).toEqual(['enc-1']);
  expect(mockOpen.size).toBe(0);
});

test.each(['open list.json.new', 'write list.json.new', 'sync list.json.new', 'rename list.json.new'])(
  'where the disk refuses to %s, the records before stay, and nothing is left beside them',
  (step) => {
    file.write(['enc-1']);
    mockFault = step;
    expect(() => file.write(['enc-1', 'enc-2'])).toThrow(`EIO: ${step}`);
    // A broken disk must not use up the files that a process may have open.
    expect(mockOpen.size).toBe(0);
    expect(file.read([])).toEqual(['enc-1']);
    expect(readdirSync(join(folder, 'fleet'))).toEqual(['list.json']);
  },
);

test('a folder that can not be forced is an error, and is closed', () => {
  file.write(['enc-1']);
  mockFault = 'sync fleet';
  expect(() => file.write(['enc-2'])).toThrow('EIO: sync fleet');
  expect(mockOpen.size).toBe(0);
});

test('a file that is not there, or not sound, is as good as none', () => {
  expect(file.read(['none'])).toEqual(['none']);
  file.write([7] as never);
  expect(readFileSync(join(folder, 'fleet', 'list.json'), 'utf8')).toContain('7');
  expect(file.read(['none'])).toEqual(['none']);
});
