import type { Writable } from 'node:stream';
import { TICKS_PER_SECOND } from '../../domain';
import { monotonicMs } from '../../platform/clock';
import { unwrapTicks, type PesUnit } from '../mpegts';

/** What is held back for a relay that is away: as much as its own ring. */
const MAX_SPOOL_TICKS = 60 * TICKS_PER_SECOND;
export const MAX_SPOOL_BYTES = 64 * 2 ** 20;

/** A keyframe and all that arrived up to the next one. */
interface KeyframeGroup {
  /** PTS of the keyframe, unwrapped. */
  ptsTicks: number;
  /** In force at its beginning, and at its end; what changes between stands among the packets. */
  tables: Buffer;
  endTables: Buffer;
  packets: Buffer[];
  bytes: number;
  /** When it was passed on, in monotonic milliseconds. */
  passedMs: number;
  isStandIn: boolean;
}

/** A keyframe that is kept. */
export interface KeptKeyframe {
  /** Of its group. */
  group: number;
  /** Unwrapped. */
  ptsTicks: number;
  /** When it was passed on, in monotonic milliseconds. */
  passedMs: number;
  /** It is no picture of the input. */
  isStandIn: boolean;
}

/**
 * The end of an input that can't be asked again for what was sent: a live stream. It is read on while the relay is
 * away, and goes on at the relay with the pictures that the relay has not sealed.
 */
export class ContributionSpool {
  private readonly groups: KeyframeGroup[] = [];
  /** Number of the oldest group kept; numbers grow by one. */
  private first = 0;
  private bytes = 0;
  private ended = false;
  private readonly onArrival = new Set<() => void>();

  /** @param maxBytes what it may hold now: a share of the part's budget */
  constructor(
    private readonly maxBytes: () => number = () => MAX_SPOOL_BYTES,
    private readonly now: () => number = monotonicMs,
  ) {}

  /**
   * @param tables the programme's, for this unit; the same buffer as long as they stay the same
   * @param isStandIn a picture that is none of the input
   */
  push(unit: PesUnit, tables: Buffer, isStandIn = false): void {
    this.take(unit, tables, isStandIn);
    this.wake();
  }

  /** Nothing more will come: whoever is sent to is ended after what is left. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  get isEmpty(): boolean {
    return this.groups.length === 0;
  }

  /** Oldest first. */
  get keyframes(): KeptKeyframe[] {
    return this.groups.map(({ ptsTicks, passedMs, isStandIn }, i) => ({
      group: this.first + i,
      ...{ ptsTicks, passedMs, isStandIn },
    }));
  }

  /** Number of the oldest group that is kept, or comes first. */
  get oldest(): number {
    return this.first;
  }

  /** Number of the newest group; of the one to come while there is none. */
  get newest(): number {
    return this.first + Math.max(0, this.groups.length - 1);
  }

  /** The first group whose keyframe is at a source time (33-bit), or after it; the one to come if there is none. */
  groupAt(sourceTicks: number, toleranceTicks: number): number {
    const near = this.groups.at(-1)?.ptsTicks ?? 0;
    const from = unwrapTicks(sourceTicks, near) - toleranceTicks;
    const index = this.groups.findIndex((group) => group.ptsTicks >= from);
    return this.first + (index < 0 ? this.groups.length : index);
  }

  /**
   * Sends from a group on, then what arrives, no faster than the stream takes it, until the signal is aborted.
   * Rejects when the stream is so slow that what comes next is not kept any more.
   */
  sendTo(stream: Writable, fromGroup: number, signal: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      let group = fromGroup;
      let packet = 0;
      let tables: Buffer | null = null;
      const pump = (): void => {
        while (stream.writable && !stream.writableNeedDrain && !signal.aborted) {
          if (group < this.first) {
            stop();
            reject(new Error('The relay takes the contribution more slowly than it arrives.'));
            return;
          }
          const current = this.groups[group - this.first];
          if (!current) {
            if (this.ended) stream.end();
            return;
          }
          if (packet === 0 && current.tables !== tables) stream.write((tables = current.tables));
          const next = current.packets[packet];
          if (next) {
            packet += 1;
            stream.write(next);
          } else if (group < this.newest) {
            tables = current.endTables;
            group += 1;
            packet = 0;
          } else {
            if (this.ended) stream.end();
            return;
          }
        }
      };
      const stop = (): void => {
        stream.off('drain', pump);
        this.onArrival.delete(pump);
      };
      stream.on('drain', pump);
      signal.addEventListener('abort', stop, { once: true });
      this.onArrival.add(pump);
      pump();
    });
  }

  private wake(): void {
    for (const pump of [...this.onArrival]) pump();
  }

  private take({ kind, keyframe, ptsTicks, packets }: PesUnit, tables: Buffer, isStandIn: boolean): void {
    const last = this.groups.at(-1);
    if (kind === 'video' && keyframe) {
      const unwrapped = last ? unwrapTicks(ptsTicks, last.ptsTicks) : ptsTicks;
      this.groups.push({
        ptsTicks: unwrapped,
        ...{ tables, endTables: tables },
        packets: [packets],
        bytes: packets.length,
        passedMs: this.now(),
        isStandIn,
      });
    } else if (last) {
      // A track joins at once, not with the next keyframe.
      if (last.endTables !== tables) last.packets.push((last.endTables = tables));
      last.packets.push(packets);
      last.bytes += packets.length;
    } else return;
    this.bytes += packets.length;
    this.evict();
  }

  private evict(): void {
    const newestTicks = this.groups.at(-1)!.ptsTicks;
    while (
      this.groups.length > 1 &&
      (this.bytes > this.maxBytes() || this.groups[1]!.ptsTicks <= newestTicks - MAX_SPOOL_TICKS)
    ) {
      this.bytes -= this.groups.shift()!.bytes;
      this.first += 1;
    }
  }
}
