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
  /** The oldest first. */
  private readonly entries: AuditEntry[];
  private bytes = 0;
  private readonly faults: LimitedLog;

  constructor(
    private readonly file: string,
    private readonly log: Logger,
  ) {
    this.faults = new LimitedLog(log);
    this.entries = [`${file}.1`, file].flatMap(readEntries).slice(-MOST_KEPT);
    this.bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Never throws: a full disk stops nobody. The part's log has each entry as well. */
  note(entry: AuditEntry): void {
    this.entries.push(entry);
    if (this.entries.length > MOST_KEPT) this.entries.shift();
    this.log.info({ audit: entry }, `${entry.by} asked for ${entry.command}: ${entry.outcome}`);
    try {
      this.write(`${JSON.stringify(entry)}\n`);
    } catch (error) {
      this.faults.write('error', 'audit', { err: error }, 'an entry of the audit is in this log alone');
    }
  }

  /** @returns the latest first */
  latest(limit: number): AuditEntry[] {
    return this.entries.slice(-limit).reverse();
  }

  private write(line: string): void {
    if (this.bytes > MOST_BYTES) {
      renameSync(this.file, `${this.file}.1`);
      this.bytes = 0;
    }
    mkdirSync(dirname(this.file), { recursive: true });
    appendFileSync(this.file, line, { mode: 0o600 });
    this.bytes += Buffer.byteLength(line);
  }
}

/** The entries of a file; a line that was cut by a crash is passed over. */
const readEntries = (file: string): AuditEntry[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      return auditEntrySchema.parse(JSON.parse(line));
    } catch {
      return [];
    }
  });
};
