import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { gopNumberSchema } from '../../contracts/origin';
import { replaceFile, syncDirectory } from '../../platform/durable-file';
import { LedgerRun } from './ledger-run';
import { ledgerRecordSchema, type LedgerRecord } from './records';

const lineOf = (record: LedgerRecord): string => `${JSON.stringify(record)}\n`;

/** A line that is whole, and yet no record that this release knows: only its GOP can be told. */
const foreignSchema = z.object({ gop: gopNumberSchema });

const parseLine = (line: string): { record?: LedgerRecord; foreignGop?: number } => {
  try {
    const value: unknown = JSON.parse(line);
    const known = ledgerRecordSchema.safeParse(value);
    return known.success ? { record: known.data } : { foreignGop: foreignSchema.parse(value).gop };
  } catch {
    return {};
  }
};

export interface FoundLedger {
  /** With ascending GOP numbers, maybe with holes where lines were spoilt. */
  records: LedgerRecord[];
  /** Lines that a crash tore or spoilt. */
  spoiltLines: number;
  /** GOPs of lines that are whole and not understood: they were acknowledged, so their numbers are used up. */
  foreignGops: number[];
}

/** Reads a ledger file. What can't be used of it is left out and counted. */
export const readLedgerFile = async (path: string): Promise<FoundLedger> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { records: [], spoiltLines: 0, foreignGops: [] };
    throw error;
  }
  const lines = text.split('\n');
  const unfinished = lines.pop() !== '';
  const records: LedgerRecord[] = [];
  const foreignGops: number[] = [];
  let spoiltLines = unfinished ? 1 : 0;
  for (const line of lines) {
    const { record, foreignGop } = parseLine(line);
    const last = records.at(-1);
    if (record && (last === undefined || record.gop > last.gop)) records.push(record);
    else if (foreignGop !== undefined) foreignGops.push(foreignGop);
    else spoiltLines += 1;
  }
  return { records, spoiltLines, foreignGops };
};

/**
 * The ledger of one channel: its records in memory, and an append-only file of JSON lines that
 * is written anew when it has become twice as long as what must be kept. The caller serialises the writes.
 */
export class Ledger extends LedgerRun {
  private file: FileHandle | null = null;
  private fileBytes = 0;
  /** The file lacks records or may end in a part of one: it is written anew before anything is added. */
  private fileBehind: boolean;

  /** @param keptRecords how many at the least, which may change; `records`: an unbroken run; `fileBehind`: the file does not hold exactly these. */
  constructor(
    readonly path: string,
    private readonly keptRecords: number | (() => number),
    records: LedgerRecord[],
    fileBehind: boolean,
  ) {
    super(records);
    this.fileBehind = fileBehind;
  }

  /** Adds a record, on the disk before in memory. If the disk refuses it, nothing is added. */
  async append(record: LedgerRecord): Promise<void> {
    const { keptRecords } = this;
    const kept = typeof keptRecords === 'number' ? keptRecords : keptRecords();
    if (this.records.length >= 2 * kept) {
      this.forgetBefore(this.records.at(-kept)!.gop);
      this.fileBehind = true;
    }
    if (this.fileBehind) await this.writeAnew();
    await this.write(lineOf(record));
    this.push([record]);
  }

  /**
   * Adds records that are already durable in the channel's record. They count even if the file can't be
   * written now; it catches up with the next one.
   * @throws what the file system threw, after the records were added.
   */
  async appendCommitted(records: readonly LedgerRecord[]): Promise<void> {
    const [first] = records;
    if (!first) return;
    if (this.last !== undefined && first.gop !== this.last.gop + 1) this.replaceWith([]);
    this.push(records);
    this.fileBehind = true;
    await this.writeAnew();
  }

  /** Takes back the records from a GOP on; on the disk when it resolves. */
  async truncateFrom(gop: number): Promise<void> {
    const kept = this.records.filter((record) => record.gop < gop);
    if (kept.length !== this.records.length) {
      this.replaceWith(kept);
      this.fileBehind = true;
    }
    await this.settle();
  }

  /** Makes the file what is in memory, where it could not be written before. */
  async settle(): Promise<void> {
    if (this.fileBehind) await this.writeAnew();
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  private async writeAnew(): Promise<void> {
    await this.close();
    const text = this.records.map(lineOf).join('');
    await replaceFile(this.path, text);
    this.fileBehind = false;
  }

  private async write(line: string): Promise<void> {
    const file = (this.file ??= await this.openFile());
    try {
      await file.appendFile(line);
      await file.datasync();
      this.fileBytes += Buffer.byteLength(line);
    } catch (error) {
      // A part of the line may be there, as on a full disk: take it back, or write anew next time.
      await file.truncate(this.fileBytes).catch(() => (this.fileBehind = true));
      throw error;
    }
  }

  private async openFile(): Promise<FileHandle> {
    const file = await open(this.path, 'a');
    try {
      this.fileBytes = (await file.stat()).size;
      // An empty file may be new: a line in it is worth nothing if its name is lost.
      if (this.fileBytes === 0) await syncDirectory(dirname(this.path));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
