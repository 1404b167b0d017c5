import type { LedgerRecord } from './records';

/** An unbroken run of a channel's ledger, in memory: what playlists are made of. */
export class LedgerRun {
  private changedBeforeEnd = 0;

  constructor(protected records: LedgerRecord[] = []) {}

  /** How often it has changed otherwise than by records at its end, and by records that were too old. */
  get generation(): number {
    return this.changedBeforeEnd;
  }

  get first(): LedgerRecord | undefined {
    return this.records[0];
  }

  get last(): LedgerRecord | undefined {
    return this.records.at(-1);
  }

  get lastPublished(): LedgerRecord | undefined {
    return this.findLast((r) => r.gapReason === undefined);
  }

  findLast(matches: (record: LedgerRecord) => boolean): LedgerRecord | undefined {
    return this.records.findLast(matches);
  }

  get(gop: number): LedgerRecord | undefined {
    const first = this.records[0];
    return first === undefined ? undefined : this.records[gop - first.gop];
  }

  /** Records of the GOPs in [from, to) that are kept. */
  range(from: number, to: number): LedgerRecord[] {
    const first = this.records[0]?.gop ?? 0;
    return this.records.slice(Math.max(0, from - first), Math.max(0, to - first));
  }

  /** Adds what follows. */
  protected push(records: readonly LedgerRecord[]): void {
    this.records.push(...records);
  }

  /** Forgets what is older than a GOP. */
  protected forgetBefore(gop: number): void {
    this.records = this.range(gop, Infinity);
  }

  /** It is another run now. */
  protected replaceWith(records: LedgerRecord[]): void {
    this.records = records;
    this.changedBeforeEnd += 1;
  }
}
