import { totalmem } from 'node:os';
import { SwarmError } from '../domain';

const MIB = 2 ** 20;

const inMiB = (bytes: number): string => `${Math.floor(bytes / MIB)} MiB`;

/** Memory that this process may use at the most: of its machine, or of its container where that has less. */
export const memoryOfMachine = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

export interface SharedBudgetOptions {
  /** What it is a budget of, such as "memory of the relay", for refusals. */
  what: string;
  /** Of all channels together. */
  totalBytes: number;
  /** Of one channel at the most, however much is left. */
  mostBytes: number;
  /** With less than this a channel is of no use: no more are taken on. */
  leastBytes: number;
  /** Variable that raises it. */
  variable: string;
}

/**
 * One budget of a part, divided over its channels: each may take up the most that one may have, until there are so many
 * that an equal share is less.
 */
export class SharedBudget {
  private readonly holders = new Set<string>();
  private readonly leastBytes: number;
  /** Of all channels together; may change. */
  totalBytes: number;

  constructor(private readonly options: SharedBudgetOptions) {
    this.totalBytes = options.totalBytes;
    this.leastBytes = Math.min(options.leastBytes, options.mostBytes);
  }

  /** What one channel may take up now. */
  get shareBytes(): number {
    return this.shareAmong(this.holders.size);
  }

  /** Takes a channel on, if there is enough for it. @throws SwarmError at-capacity-limit */
  admit(id: string): void {
    const { what, variable } = this.options;
    const count = this.holders.size + (this.holders.has(id) ? 0 : 1);
    if (this.shareAmong(count) < this.leastBytes) {
      throw new SwarmError(
        'at-capacity-limit',
        `The ${what}, ${inMiB(this.totalBytes)}, is divided over ${this.holders.size} channels already; one more would leave less than ${inMiB(this.leastBytes)} for each.`,
        `Remove channels that are no longer needed, or raise ${variable}.`,
      );
    }
    this.holders.add(id);
  }

  /** Counts a channel that is there already, such as one of the last run, whether or not there is enough. */
  hold(id: string): void {
    this.holders.add(id);
  }

  release(id: string): void {
    this.holders.delete(id);
  }

  private shareAmong(channels: number): number {
    return Math.min(this.options.mostBytes, this.totalBytes / Math.max(1, channels));
  }
}
