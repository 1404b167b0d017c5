import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { auditEntrySchema, type AuditEntry } from '../contracts/api';
import { LimitedLog } from '../platform/limited-log';
import type { Logger } from '../platform/logger';

/** The file is put aside at this size; the one put aside before goes then. */
const MOST_BYTES = 8 * 2 ** 20;
/** Entries that are told. */
const MOST_KEPT = 1_000;

export const auditFile = (stateDir: string): string => join(stateDir, 'audit.jsonl');

/**
 * Who asked the API for what, when and why, and what came of it: a line of a file for each command. What the command did
 * is told by Temporal, whose requests carry the same name.
 */
export class AuditLog {
  /** Of this process that the file could not take, the oldest first. */
  private readonly unwritten: AuditEntry[] = [];
  private readonly faults: LimitedLog;

  constructor(
    private readonly file: string,
    private readonly log: Logger,
  ) {
    this.faults = new LimitedLog(log);
  }

  /** Never throws: a full disk stops nobody. The part's log has each entry as well. */
  note(entry: AuditEntry): void {
    this.log.info({ audit: entry }, `${entry.by} asked for ${entry.command}: ${entry.outcome}`);
    try {
      this.write(`${JSON.stringify(entry)}\n`);
    } catch (error) {
      this.unwritten.push(entry);
      if (this.unwritten.length > MOST_KEPT) this.unwritten.shift();
      this.faults.write('error', 'audit', { err: error }, 'an entry of the audit is in this log alone');
    }
  }

  /** Read from the file: another API of the same state folder writes there as well. @returns the latest first */
  latest(limit: number): AuditEntry[] {
    const written = [`${this.file}.1`, this.file].flatMap(readEntries);
    const all = [...written, ...this.unwritten].sort((one, other) => one.atMs - other.atMs);
    return all.slice(-Math.min(limit, MOST_KEPT)).reverse();
  }

  private write(line: string): void {
    // The size is that of all who write.
    const bytes = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > MOST_BYTES) renameSync(this.file, `${this.file}.1`);
    mkdirSync(dirname(this.file), { recursive: true });
    appendFileSync(this.file, line, { mode: 0o600 });
  }
}

/** The last entries of a file; a line that was cut by a crash is passed over. */
const readEntries = (file: string): AuditEntry[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const lines = text.split('\n').slice(-MOST_KEPT - 1);
  return lines.flatMap((line) => {
    try {
      return auditEntrySchema.parse(JSON.parse(line));
    } catch {
      return [];
    }
  });
};
