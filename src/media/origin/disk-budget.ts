import { statfs } from 'node:fs/promises';
import { SwarmError } from '../../domain';
import { SharedBudget } from '../../platform/shared-budget';
import type { MediaLimits } from './channel-media';

/** Of what is free and what the origin holds; the rest is for ledgers, and for the other parts. */
const SHARE_OF_DISK = 0.9;
/** Some GOPs in each rendition: with less, players would run out of segments. */
const LEAST_BYTES = 4 * 2 ** 20;

/** What the segments of an origin may take up on its disk, divided over its channels. */
export class DiskBudget {
  private readonly shared: SharedBudget;
  private readonly leastBytes: number;
  private disk: { directory: string; heldBytes: () => number } | undefined;

  constructor(private readonly options: MediaLimits & { totalBytes: number | null }) {
    this.leastBytes = Math.min(LEAST_BYTES, options.retentionBytes);
    this.shared = new SharedBudget({
      what: 'disk of the origin',
      totalBytes: options.totalBytes ?? Infinity,
      mostBytes: options.retentionBytes,
      leastBytes: LEAST_BYTES,
      variable: 'SWARM_ORIGIN_DISK_MIB',
    });
  }

  /** The limits of a channel, whose bytes are its share at any moment. */
  get limits(): MediaLimits {
    const { shared } = this;
    return {
      retentionMs: this.options.retentionMs,
      keptRecords: this.options.keptRecords,
      get retentionBytes() {
        return shared.shareBytes;
      },
    };
  }

  /**
   * Counts the channels of the last run, and looks at the disk for the first time.
   * @param heldBytes what all channels store at a moment
   */
  async begin(directory: string, heldBytes: () => number, channelIds: readonly string[]): Promise<void> {
    this.disk = { directory, heldBytes };
    for (const id of channelIds) this.shared.hold(id);
    await this.look();
  }

  /** Looks at the disk again: what has become free since may be used. @returns bytes that are free */
  async look(): Promise<number> {
    if (!this.disk) return Infinity;
    const { bavail, bsize } = await statfs(this.disk.directory);
    const freeBytes = bavail * bsize;
    const heldBytes = this.disk.heldBytes();
    const usableBytes = SHARE_OF_DISK * (freeBytes + heldBytes);
    // A disk that others fill tells nothing of what it has for the origin: what is stored stays.
    if (this.options.totalBytes === null && usableBytes >= heldBytes) {
      const known = Number.isFinite(this.shared.totalBytes) ? this.shared.totalBytes : 0;
      this.shared.totalBytes = Math.max(known, usableBytes);
    }
    return freeBytes;
  }

  /** Takes a channel on. @throws SwarmError at-capacity-limit; storage-full */
  async admit(id: string): Promise<void> {
    const freeBytes = await this.look();
    if (freeBytes < this.leastBytes) {
      throw new SwarmError(
        'storage-full',
        `The disk of the origin has ${Math.floor(freeBytes / 2 ** 20)} MiB left: too little for another channel.`,
        'Make room where SWARM_STATE_DIR is, then ask again.',
      );
    }
    this.shared.admit(id);
  }

  release(id: string): void {
    this.shared.release(id);
  }
}
