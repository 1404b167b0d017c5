import { statfs } from 'node:fs/promises';
import { SwarmError } from '../domain';
import { SharedBudget } from './shared-budget';

export interface DiskBudgetOptions {
  /** Whose disk it is, such as "the relay", for refusals. */
  part: string;
  /** Of all channels together; null: `shareOfDisk` of what is free and what they hold. */
  totalBytes: number | null;
  /** In (0, 1]; the rest is for what else is on the disk. */
  shareOfDisk: number;
  /** Of one channel at the most, however much is left. */
  mostBytes: number;
  /** With less than this a channel is of no use. */
  leastBytes: number;
  /** Variable that raises it. */
  variable: string;
}

/** What the channels of a part may take up on its disk together, divided over them. */
export class DiskBudget {
  private readonly shared: SharedBudget;
  private readonly leastBytes: number;
  private disk: { directory: string; heldBytes: () => number } | undefined;

  constructor(private readonly options: DiskBudgetOptions) {
    const { part, totalBytes, mostBytes, leastBytes, variable } = options;
    this.leastBytes = Math.min(leastBytes, mostBytes);
    this.shared = new SharedBudget({
      ...{ what: `disk of ${part}`, mostBytes, leastBytes, variable },
      totalBytes: totalBytes ?? Infinity,
    });
  }

  /** What one channel may take up now. */
  get shareBytes(): number {
    return this.shared.shareBytes;
  }

  /** Counts a channel that is there already, such as one of the last run, whether or not there is enough. */
  hold(id: string): void {
    this.shared.hold(id);
  }

  release(id: string): void {
    this.shared.release(id);
  }

  /**
   * Looks at the disk for the first time.
   * @param heldBytes what all channels store at a moment
   */
  async begin(directory: string, heldBytes: () => number): Promise<void> {
    this.disk = { directory, heldBytes };
    await this.look();
  }

  /** Looks at the disk again: what has become free since may be used. @returns bytes that are free */
  async look(): Promise<number> {
    if (!this.disk) return Infinity;
    const { bavail, bsize } = await statfs(this.disk.directory);
    const freeBytes = bavail * bsize;
    const heldBytes = this.disk.heldBytes();
    const usableBytes = this.options.shareOfDisk * (freeBytes + heldBytes);
    // A disk that others fill tells nothing of what it has for this part: what is stored stays.
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
        `The disk of ${this.options.part} has ${Math.floor(freeBytes / 2 ** 20)} MiB left: too little for another channel.`,
        'Make room where SWARM_STATE_DIR is, then ask again.',
      );
    }
    this.shared.admit(id);
  }
}
