import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwarmError } from '../../src/domain';
import {
  isDiskFull,
  makeDirectoryDurably,
  replaceFile,
  storageRefusal,
  syncDirectory,
} from '../../src/platform/durable-file';
import type * as DiskTraceModule from '../support/disk-trace';
import { disk, diskError } from '../support/disk-trace';

jest.mock('node:fs/promises', () =>
  jest.requireActual<typeof DiskTraceModule>('../support/disk-trace').watchedFileSystem(),
);

let root: string;
let file: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'durable-'));
  file = join(root, 'record.json');
  disk.reset();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folder = (): string => root.split('/').at(-1)!;

describe('a file that is replaced', () => {
  test('is forced before it takes its name, and its name before the call returns', async () => {
    await replaceFile(file, 'new');
    expect(disk.steps).toEqual([
      'create record.json.new',
      'write record.json.new',
      'sync record.json.new',
      'close record.json.new',
      'rename record.json.new record.json',
      `sync-folder ${folder()}`,
      `close-folder ${folder()}`,
    ]);
    expect(disk.atRisk).toEqual([]);
    expect(disk.renamedTooEarly).toEqual([]);
  });

  test('holds the new content alone, shorter or longer, text or bytes', async () => {
    await replaceFile(file, 'a long first content');
    await replaceFile(file, Buffer.from('short'));
    expect(readFileSync(file, 'utf8')).toBe('short');
    expect(readdirSync(root)).toEqual(['record.json']);
  });

  test.each(['write', 'sync', 'close', 'rename'])(
    'keeps its old content, and leaves nothing behind, when the disk refuses to %s',
    async (step) => {
      writeFileSync(file, 'old');
      const refused = diskError('EIO', step);
      disk.fault = (what) => (what === step ? refused : undefined);
      await expect(replaceFile(file, 'new')).rejects.toBe(refused);
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(readdirSync(root)).toEqual(['record.json']);
    },
  );

  test('tells why it failed, not why it could not tidy up', async () => {
    const refused = diskError('ENOSPC');
    disk.fault = (what) => (what === 'write' ? refused : what === 'unlink' ? diskError('EROFS') : undefined);
    await expect(replaceFile(file, 'new')).rejects.toBe(refused);
  });

  test('is not said to be durable when its folder could not be forced', async () => {
    const refused = diskError('EIO', 'fsync');
    disk.fault = (what) => (what === 'sync-folder' ? refused : undefined);
    await expect(replaceFile(file, 'new')).rejects.toBe(refused);
    // The folder is closed all the same: a broken disk must not use up the process's files.
    expect(disk.steps.at(-1)).toBe(`close-folder ${folder()}`);
  });

  test('is closed also when it could not be written', async () => {
    disk.fault = (what) => (what === 'write' ? diskError('ENOSPC') : undefined);
    await expect(replaceFile(file, 'new')).rejects.toThrow('ENOSPC');
    expect(disk.steps).toContain('close record.json.new');
  });
});

describe('a folder that is made', () => {
  test('is forced in the folder above it, and so is each that had to be made on the way', async () => {
    await makeDirectoryDurably(join(root, 'a', 'b', 'c'));
    expect(existsSync(join(root, 'a', 'b', 'c'))).toBe(true);
    expect(disk.atRisk).toEqual([]);
    expect(disk.steps.filter((s) => s.startsWith('sync-folder'))).toEqual([
      'sync-folder b',
      'sync-folder a',
      `sync-folder ${folder()}`,
    ]);
  });

  test('next to others forces no folder that was there before but the one above it', async () => {
    mkdirSync(join(root, 'a'));
    await makeDirectoryDurably(join(root, 'a', 'b'));
    expect(disk.steps.filter((s) => s.startsWith('sync-folder'))).toEqual(['sync-folder a']);
  });

  test('that is there already costs the disk nothing', async () => {
    await makeDirectoryDurably(root);
    expect(disk.steps).toEqual([]);
  });

  test('that can not be forced is an error', async () => {
    const refused = diskError('EIO', 'fsync');
    disk.fault = (what) => (what === 'sync-folder' ? refused : undefined);
    await expect(makeDirectoryDurably(join(root, 'a'))).rejects.toBe(refused);
  });

  test('syncDirectory refuses what is not there', async () => {
    await expect(syncDirectory(join(root, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what the disk refuses', () => {
  test.each(['ENOSPC', 'EDQUOT'])('is a full disk for %s', (code) => {
    expect(isDiskFull(diskError(code))).toBe(true);
    const refusal = storageRefusal(diskError(code), 'the record');
    expect(refusal).toBeInstanceOf(SwarmError);
    expect(refusal).toMatchObject({
      code: 'storage-full',
      message: `There is no room on the disk to write the record: ${code}: made by a test, write.`,
      details: { cause: code },
    });
    expect(JSON.stringify(refusal?.toBody())).toContain('Make room where SWARM_STATE_DIR is');
  });

  test.each(['EIO', 'EACCES'])('is a disk that is not to be written for %s', (code) => {
    expect(isDiskFull(diskError(code))).toBe(false);
    const refusal = storageRefusal(diskError(code), 'the record');
    expect(refusal).toMatchObject({
      code: 'unavailable',
      message: `The disk refuses to write the record: ${code}: made by a test, write.`,
      details: { cause: code },
    });
    expect(JSON.stringify(refusal?.toBody())).toContain('Give this part access to SWARM_STATE_DIR');
  });

  test.each([
    ['an error without a code', new Error('x')],
    ['an error of the network', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['an error of a call without a code', Object.assign(new Error('x'), { syscall: 'write' })],
  ])('is not %s', (_, error) => {
    expect(storageRefusal(error, 'the record')).toBeUndefined();
    expect(isDiskFull(error)).toBe(false);
  });

  test.each([null, undefined])('is not %s', (error) => expect(isDiskFull(error)).toBe(false));
});
