import { open, readFile, readdir, rm, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectoryDurably, syncDirectory } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';
import { frameRecord, readRecords, type JournalRecord } from './record-frame';

export interface JournalLimits {
  /** A file takes no more GOPs, or bytes, than this; what is kept is dropped by whole files. */
  fileGops: number;
  fileBytes: number;
  /** Bytes of all files together: at the limit the oldest file goes. */
  maxBytes: number;
}

/** A record to be kept. GOP numbers ascend from one to the next. */
export interface JournalEntry {
  gop: number;
  header: unknown;
  body: readonly Buffer[];
}

interface JournalFile {
  path: string;
  firstGop: number;
  lastGop: number;
  bytes: number;
}

const nameOf = (gop: number): string => `${String(gop).padStart(12, '0')}.gops`;

/**
 * Records of consecutive GOPs on disk, in files that are only ever appended to: `<first GOP>.gops`. An append is on
 * the disk when it resolves. The caller runs one call at a time.
 */
export class GopJournal {
  private readonly files: JournalFile[] = [];
  private current: { file: JournalFile; handle: FileHandle } | null = null;

  constructor(
    private readonly directory: string,
    private readonly limits: JournalLimits,
  ) {}

  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /**
   * Reads all records, oldest first. What follows the last whole record of a file, which a crash left, is cut off.
   * @param gopOf reads the GOP of a record; undefined for one that is whole and not understood: it and what follows it
   * in its file are left out, and stay in the file; a file that begins with one is set aside
   */
  async load(
    gopOf: (record: JournalRecord) => number | undefined,
  ): Promise<{ records: JournalRecord[]; cutBytes: number }> {
    const all: JournalRecord[] = [];
    let cutBytes = 0;
    for (const path of await this.filePaths()) {
      const content = await readFile(path);
      const { records, soundBytes } = readRecords(content);
      cutBytes += content.length - soundBytes;
      const gops = records.map(gopOf);
      const firstStrange = gops.findIndex((gop) => gop === undefined);
      const sound = firstStrange < 0 ? records : records.slice(0, firstStrange);
      if (sound.length === 0) {
        if (records.length > 0) await setAside(path);
        else await rm(path, { force: true });
        continue;
      }
      if (soundBytes < content.length) await truncate(path, soundBytes);
      all.push(...sound);
      this.files.push({ path, firstGop: gops[0]!, lastGop: gops[sound.length - 1]!, bytes: soundBytes });
    }
    return { records: all, cutBytes };
  }

  /**
   * Adds records, all or none of them.
   * @throws what the file system threw; a part that was written is never read back
   */
  async append(entries: readonly JournalEntry[]): Promise<void> {
    const [first] = entries;
    const last = entries.at(-1);
    if (!first || !last) return;
    const bytes = Buffer.concat(entries.map(({ header, body }) => frameRecord(header, body)));
    const { file, handle } = await this.fileFor(first.gop, bytes.length);
    try {
      await writeAll(handle, bytes, file.bytes);
      await handle.datasync();
    } catch (error) {
      await this.abandon();
      throw error;
    }
    file.bytes += bytes.length;
    file.lastGop = last.gop;
    while (this.files.length > 1 && this.bytes > this.limits.maxBytes) await this.removeOldest();
  }

  /** Deletes the files that hold only GOPs before one. */
  async dropBefore(gop: number): Promise<void> {
    while (this.files.length > 1 && this.files[0]!.lastGop < gop) await this.removeOldest();
  }

  async close(): Promise<void> {
    const { current } = this;
    this.current = null;
    await current?.handle.close();
  }

  /** Deletes all that was kept. */
  async remove(): Promise<void> {
    await this.close();
    this.files.length = 0;
    await rm(this.directory, { recursive: true, force: true });
  }

  private async filePaths(): Promise<string[]> {
    await makeDirectoryDurably(this.directory);
    const names = (await readdir(this.directory)).filter((name) => /^\d{12,}\.gops$/.test(name));
    return names.sort((a, b) => parseInt(a, 10) - parseInt(b, 10)).map((name) => join(this.directory, name));
  }

  private async fileFor(gop: number, bytes: number): Promise<{ file: JournalFile; handle: FileHandle }> {
    const { fileGops, fileBytes } = this.limits;
    const { current } = this;
    if (current && gop - current.file.firstGop < fileGops && current.file.bytes + bytes <= fileBytes)
      return current;
    await this.close();
    await makeDirectoryDurably(this.directory);
    const path = join(this.directory, nameOf(gop));
    const handle = await open(path, 'w');
    const file = { path, firstGop: gop, lastGop: gop, bytes: 0 };
    // A file of this name held what could not be read, or could not be finished.
    const replaced = this.files.findIndex((known) => known.path === path);
    if (replaced >= 0) this.files.splice(replaced, 1);
    this.files.push(file);
    this.current = { file, handle };
    try {
      await syncDirectory(this.directory);
    } catch (error) {
      await this.abandon();
      throw error;
    }
    return this.current;
  }

  /** Takes back what a failed append left, so that the room is free again; the next append begins a new file. */
  private async abandon(): Promise<void> {
    const { current } = this;
    if (!current) return;
    this.current = null;
    await current.handle.truncate(current.file.bytes).catch(() => undefined);
    await current.handle.close().catch(() => undefined);
    if (current.file.bytes > 0) return;
    this.files.splice(this.files.indexOf(current.file), 1);
    await rm(current.file.path, { force: true }).catch(() => undefined);
  }

  private async removeOldest(): Promise<void> {
    const [oldest] = this.files;
    if (!oldest) return;
    await rm(oldest.path, { force: true });
    this.files.shift();
  }
}

/** Writes all bytes at a position; a disk that becomes full takes a part without an error. */
const writeAll = async (handle: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
};
