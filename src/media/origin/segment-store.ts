import { createReadStream, type ReadStream } from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectoryDurably, replaceFile } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';

/** The segments of all renditions of a GOP. */
export const gopFile = (directory: string, gop: number): string => join(directory, `${gop}.ts`);

/** Reads a stretch of a GOP's file. */
export const readGopFile = (
  directory: string,
  gop: number,
  offsetBytes: number,
  lengthBytes: number,
): ReadStream =>
  createReadStream(gopFile(directory, gop), { start: offsetBytes, end: offsetBytes + lengthBytes - 1 });

/**
 * The GOP files of one channel, `<gop>.ts`: the segments of all renditions one after the other, as they were
 * put, so that one rename makes a GOP visible in all renditions or in none.
 */
export class SegmentStore {
  /** Bytes by GOP, ascending. */
  private readonly bytesByGop = new Map<number, number>();
  private totalBytes = 0;
  /** GOPs that came or went since somebody looked; absent: nobody looks. */
  private touched: Set<number> | undefined;

  constructor(readonly directory: string) {}

  /**
   * Finds what is stored. GOP files for which `isWhole` says no, such as those torn by a power cut or never
   * acknowledged, are deleted; those of `foreignGops`, whose records this release does not understand, are set aside.
   * What is no GOP file is none of ours, and stays.
   */
  async load(
    isWhole: (gop: number, bytes: number) => boolean,
    foreignGops: ReadonlySet<number> = new Set(),
  ): Promise<void> {
    await makeDirectoryDurably(this.directory);
    const files = await Promise.all(
      (await readdir(this.directory, { withFileTypes: true })).map(async (entry) => {
        const match = /^(\d+)\.ts(\.new)?$/.exec(entry.name);
        if (!match || !entry.isFile()) return undefined;
        const gop = match[2] === undefined ? Number(match[1]) : NaN;
        const path = join(this.directory, entry.name);
        const { size: bytes } = await stat(path);
        if (isWhole(gop, bytes)) return { gop, bytes };
        if (foreignGops.has(gop)) await setAside(path);
        else await rm(path, { force: true });
        return undefined;
      }),
    );
    const found = files.filter((file) => file !== undefined);
    found.sort((a, b) => a.gop - b.gop);
    for (const { gop, bytes } of found) this.add(gop, bytes);
  }

  has(gop: number): boolean {
    return this.bytesByGop.has(gop);
  }

  /** What is stored, oldest first. */
  get gops(): number[] {
    return [...this.bytesByGop.keys()];
  }

  /** From now on GOPs that come or go are noted in this set, which whoever looks empties. */
  watch(): Set<number> {
    return (this.touched = new Set());
  }

  /** GOPs from this one on. */
  from(gop: number): number[] {
    return [...this.bytesByGop.keys()].filter((stored) => stored >= gop);
  }

  /** All bytes of a stored GOP. */
  readAll(gop: number): Promise<Buffer> {
    return readFile(this.path(gop));
  }

  get oldestGop(): number | null {
    return this.bytesByGop.keys().next().value ?? null;
  }

  get bytes(): number {
    return this.totalBytes;
  }

  /** Stores a GOP in one step, and waits until the disk holds it. */
  async write(gop: number, body: Buffer): Promise<void> {
    await replaceFile(this.path(gop), body);
    this.add(gop, body.length);
  }

  read(gop: number, offsetBytes: number, lengthBytes: number): ReadStream {
    return readGopFile(this.directory, gop, offsetBytes, lengthBytes);
  }

  /** Forgets a GOP at once and deletes its file. Whoever reads it at this moment reads it to its end. */
  async remove(gop: number): Promise<void> {
    this.totalBytes -= this.bytesByGop.get(gop) ?? 0;
    this.bytesByGop.delete(gop);
    this.touched?.add(gop);
    await rm(this.path(gop), { force: true });
  }

  /** Forgets and deletes all. */
  async clear(): Promise<void> {
    for (const gop of this.bytesByGop.keys()) this.touched?.add(gop);
    this.bytesByGop.clear();
    this.totalBytes = 0;
    await rm(this.directory, { recursive: true, force: true });
    await makeDirectoryDurably(this.directory);
  }

  private add(gop: number, bytes: number): void {
    this.bytesByGop.set(gop, bytes);
    this.totalBytes += bytes;
    this.touched?.add(gop);
  }

  private path(gop: number): string {
    return gopFile(this.directory, gop);
  }
}
