import { rm } from 'node:fs/promises';
import type { DeclaredGap } from '../../contracts/origin';
import { ticksToMs } from '../../domain/media-time';
import { Ledger } from './ledger';
import { ListedMedia, type ListedLedger } from './listed-media';
import type { LedgerRecord } from './records';
import type { SegmentStore } from './segment-store';
import { gapRecords } from './timeline';

export interface MediaLimits {
  /** Segments are kept for so much media time, and up to so many bytes a channel. */
  retentionMs: number;
  retentionBytes: number;
  /** Ledger records kept, at least. */
  keptRecords: number;
}

/** What a channel has published, and how more is added: its ledger and its segments, on disk. */
export class ChannelMedia extends ListedMedia {
  private writableLedger: Ledger;
  /** When the last GOP was stored, on the clock that is never set. */
  private lastStoredMs: number;

  constructor(
    ledger: Ledger,
    protected readonly segments: SegmentStore,
    private readonly limits: MediaLimits,
    private readonly monotonicMs: () => number,
  ) {
    super();
    this.writableLedger = ledger;
    this.lastStoredMs = monotonicMs();
  }

  get ledger(): ListedLedger {
    return this.writableLedger;
  }

  get storedBytes(): number {
    return this.segments.bytes;
  }

  /** Where its segments are. */
  get directory(): string {
    return this.segments.directory;
  }

  /** See SegmentStore. */
  get storedGops(): number[] {
    return this.segments.gops;
  }

  /** See SegmentStore. */
  watchStored(): Set<number> {
    return this.segments.watch();
  }

  /** Stores a GOP and appends its ledger line; if either fails, neither counts. */
  async store(record: LedgerRecord, body: Buffer): Promise<void> {
    await this.segments.write(record.gop, body);
    try {
      await this.writableLedger.append(record);
    } catch (error) {
      await this.segments.remove(record.gop);
      throw error;
    }
    this.lastStoredMs = this.monotonicMs();
    this.changed();
  }

  /** Adds the ledger lines of a gap that is durable already. They count even if this throws. */
  async recordGap(gap: DeclaredGap, gopDurationTicks: number, declaredAtMs: number): Promise<void> {
    this.forgetTexts();
    const previous = this.writableLedger.last;
    const atMost = this.limits.keptRecords;
    await this.writableLedger.appendCommitted(
      gapRecords({ gap, declaredAtMs, gopDurationTicks, previous, atMost }),
    );
    this.changed();
  }

  /**
   * Deletes segments that are past their retention; of the byte bound, the newest GOP is spared. Their age is the media
   * time that followed, and the time since the last GOP was stored: a wall clock that is set makes nothing old.
   */
  async expire({ gopDurationTicks }: { gopDurationTicks: number }): Promise<void> {
    const idleMs = this.monotonicMs() - this.lastStoredMs;
    const newest = this.writableLedger.last?.gop ?? 0;
    for (let gop = this.oldestGop; gop !== null; gop = this.oldestGop) {
      const tooOld = ticksToMs((newest - gop) * gopDurationTicks) + idleMs > this.limits.retentionMs;
      const tooMany =
        this.segments.bytes > this.limits.retentionBytes && gop !== this.writableLedger.lastPublished?.gop;
      if (!tooOld && !tooMany) return;
      this.forgetTexts();
      await this.segments.remove(gop);
    }
  }

  /** Adds ledger lines that were decided elsewhere, without segments. They count even if this throws. */
  async adopt(records: readonly LedgerRecord[]): Promise<void> {
    this.forgetTexts();
    await this.writableLedger.appendCommitted(records);
    this.changed();
  }

  /** Takes back what was stored from a GOP on. */
  async truncateFrom(gop: number): Promise<void> {
    this.forgetTexts();
    await this.writableLedger.truncateFrom(gop);
    for (const stored of this.segments.from(gop)) await this.segments.remove(stored);
    this.changed();
  }

  /** On the disk, the ledger is what it is here once it resolves. */
  settle(): Promise<void> {
    return this.writableLedger.settle();
  }

  /** All bytes of a GOP; null where they are not stored. @throws of the file system, where they can't be read now */
  async storedGop(gop: number): Promise<Buffer | null> {
    if (!this.segments.has(gop)) return null;
    return this.segments.readAll(gop).catch((error: NodeJS.ErrnoException) => {
      // Deleted in this moment, as it was past its retention.
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  }

  /** Begins anew with nothing published. */
  async deleteAll(): Promise<void> {
    this.forgetTexts();
    await this.writableLedger.close();
    await rm(this.writableLedger.path, { force: true });
    this.writableLedger = new Ledger(this.writableLedger.path, () => this.limits.keptRecords, [], false);
    await this.segments.clear();
    this.changed();
  }

  close(): Promise<void> {
    return this.writableLedger.close();
  }
}
