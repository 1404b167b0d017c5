import { DiskBudget as SharedDisk } from '../../platform/disk-budget';
import type { SharedBudget } from '../../platform/shared-budget';
import type { MediaLimits } from './channel-media';

/** Of what is free and what the origin holds; the rest is for ledgers, and for the other parts. */
const SHARE_OF_DISK = 0.9;
/** Some GOPs in each rendition: with less, players would run out of segments. */
const LEAST_BYTES = 4 * 2 ** 20;
/** A record of a GOP in three renditions, as it is kept in memory. */
export const BYTES_PER_RECORD = 1_024;

/** What the segments of an origin may take up on its disk, divided over its channels. */
export class DiskBudget {
  private readonly shared: SharedDisk;

  /**
   * @param memory of all ledgers: where many channels share it, each keeps fewer records
   * @param bytesPerRecord what one takes up of it
   */
  constructor(
    private readonly options: MediaLimits & { totalBytes: number | null },
    private readonly memory: Pick<SharedBudget, 'shareBytes'>,
    private readonly bytesPerRecord = BYTES_PER_RECORD,
  ) {
    this.shared = new SharedDisk({
      part: 'the origin',
      totalBytes: options.totalBytes,
      shareOfDisk: SHARE_OF_DISK,
      mostBytes: options.retentionBytes,
      leastBytes: LEAST_BYTES,
      variable: 'SWARM_ORIGIN_DISK_MIB',
    });
  }

  /** The limits of a channel, whose bytes are its share at any moment. */
  get limits(): MediaLimits {
    const { shared, memory, options, bytesPerRecord } = this;
    return {
      retentionMs: options.retentionMs,
      get keptRecords() {
        // Up to twice as many are held until they are cut.
        return Math.min(options.keptRecords, Math.floor(memory.shareBytes / bytesPerRecord / 2));
      },
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
    for (const id of channelIds) this.shared.hold(id);
    await this.shared.begin(directory, heldBytes);
  }

  /** Looks at the disk again: what has become free since may be used. @returns bytes that are free */
  look(): Promise<number> {
    return this.shared.look();
  }

  /** Takes a channel on. @throws SwarmError at-capacity-limit; storage-full */
  admit(id: string): Promise<void> {
    return this.shared.admit(id);
  }

  release(id: string): void {
    this.shared.release(id);
  }
}
