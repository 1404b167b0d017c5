import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GopLedger } from '../../contracts/relay';
import { TICKS_PER_SECOND } from '../../domain';
import type { Logger } from '../../platform/logger';
import type { StorageHealth } from '../../platform/storage-health';
import { GopJournal } from './gop-journal';
import { fromRecord, ledgerFromRecord, toEntry, toLedgerEntry, type StoredGop } from './stored-gop';

/** Ledgers are small: they are kept longer than the media, for GOPs that are published late. */
export const LEDGER_RETENTION_RINGS = 4;
/** What is kept goes file by file: so many of them make up a ring. */
const FILES_PER_RING = 6;
const LEDGER_FILE_BYTES = 4 * 2 ** 20;

export interface RingStoreOptions {
  channelId: string;
  /** Directory of this channel alone. */
  directory: string;
  gopDurationTicks: number;
  ringSeconds: number;
  /** What it may take up now: a share of the part's budget. */
  ringMaxBytes: () => number;
  health: StorageHealth;
  /** Rejects once another process may use the directory. */
  requireLock: () => Promise<void>;
  log: Logger;
}

/** What a channel has on disk: an unbroken run of GOPs, and the ledgers of those and of GOPs before them. */
export interface RestoredRing {
  gops: StoredGop[];
  ledgers: GopLedger[];
}

/**
 * Keeps the sealed GOPs of one channel's ring on disk, each forced there before its ledger is made known. Where the
 * disk refuses, GOPs stay in memory and are written later. The caller runs one call at a time.
 */
export class RingStore {
  private readonly media: GopJournal;
  private readonly ledgers: GopJournal;
  private readonly ringGops: number;
  private readonly fileGops: number;
  /** Ledgers that only the media's records hold; they are written on their own before those go. */
  private ledgersToKeep: GopLedger[] = [];

  constructor(private readonly options: RingStoreOptions) {
    const { directory, gopDurationTicks, ringSeconds, ringMaxBytes } = options;
    this.ringGops = Math.max(1, Math.ceil((ringSeconds * TICKS_PER_SECOND) / gopDurationTicks));
    this.fileGops = Math.ceil(this.ringGops / FILES_PER_RING);
    this.media = new GopJournal(join(directory, 'media'), {
      fileGops: this.fileGops,
      get fileBytes() {
        return Math.ceil(ringMaxBytes() / FILES_PER_RING);
      },
      get maxBytes() {
        return ringMaxBytes();
      },
    });
    this.ledgers = new GopJournal(join(directory, 'ledgers'), {
      fileGops: this.ringGops,
      fileBytes: LEDGER_FILE_BYTES,
      maxBytes: LEDGER_RETENTION_RINGS * LEDGER_FILE_BYTES,
    });
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.media.bytes + this.ledgers.bytes;
  }

  /** Reads what is kept. A record that a crash left in part is cut off; GOPs before a hole are left out. */
  async load(): Promise<RestoredRing> {
    const { channelId, log } = this.options;
    const media = await this.media.load((record) => fromRecord(record)?.ledger.gop);
    const older = await this.ledgers.load((record) => ledgerFromRecord(record)?.gop);
    const cutBytes = media.cutBytes + older.cutBytes;
    if (cutBytes > 0) log.warn({ channel: channelId, cutBytes }, 'what a crash left of a GOP was cut off');
    const stored = media.records.flatMap((record) => fromRecord(record) ?? []);
    const afterHole = stored.findLastIndex((s, i) => i > 0 && s.ledger.gop !== stored[i - 1]!.ledger.gop + 1);
    const byGop = new Map<number, GopLedger>();
    for (const ledger of older.records.flatMap((record) => ledgerFromRecord(record) ?? []))
      byGop.set(ledger.gop, ledger);
    for (const { ledger } of stored) {
      if (!byGop.has(ledger.gop)) this.ledgersToKeep.push(ledger);
      byGop.set(ledger.gop, ledger);
    }
    return {
      gops: stored.slice(Math.max(0, afterHole)),
      ledgers: [...byGop.values()].sort((a, b) => a.gop - b.gop),
    };
  }

  /**
   * Forces GOPs to the disk, all or none of them, and lets go of what the ring has let go of.
   * @param oldestGop the first GOP that a unit of the ring in memory belongs to
   * @returns false if the disk refuses
   */
  async save(gops: readonly StoredGop[], oldestGop: number): Promise<boolean> {
    const { channelId, health, requireLock } = this.options;
    try {
      await requireLock();
      // First what is not needed any more goes: on a full disk that makes the room.
      await this.media.dropBefore(oldestGop);
      await this.media.append(gops.map(toEntry));
      health.succeeded(channelId);
    } catch (error) {
      health.failed(channelId, error);
      return false;
    }
    this.ledgersToKeep.push(...gops.map(({ ledger }) => ledger));
    if (this.ledgersToKeep.length >= this.fileGops) await this.saveLedgers(oldestGop);
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([this.media.close(), this.ledgers.close()]);
  }

  async remove(): Promise<void> {
    await Promise.all([this.media.remove(), this.ledgers.remove()]);
    await rm(this.options.directory, { recursive: true, force: true });
    this.options.health.succeeded(this.options.channelId);
  }

  /** If the disk refuses, they are written with the next ones; those that left memory meanwhile are let go. */
  private async saveLedgers(oldestGop: number): Promise<void> {
    const keptGops = LEDGER_RETENTION_RINGS * this.ringGops;
    try {
      await this.ledgers.dropBefore(oldestGop + this.ringGops - keptGops);
      await this.ledgers.append(this.ledgersToKeep.map(toLedgerEntry));
      this.ledgersToKeep = [];
    } catch (error) {
      this.ledgersToKeep = this.ledgersToKeep.slice(-keptGops);
      this.options.log.warn({ err: error, channel: this.options.channelId }, 'ledgers could not be written');
    }
  }
}
