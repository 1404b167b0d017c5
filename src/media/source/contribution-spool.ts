import type { Writable } from 'node:stream';
import { monotonicMs } from '../../platform/clock';
import { unwrapTicks, type PesUnit } from '../mpegts';

/** What is held back for a relay that is away: as much as its own ring. */
const MAX_SPOOL_MS = 60_000;
export const MAX_SPOOL_BYTES = 64 * 2 ** 20;

/** A place in what is kept: in front of a packet of a group. */
export interface SpoolPosition {
  group: number;
  packet: number;
}

/** A picture that is kept, with its times (33-bit) and its place. */
export interface KeptPicture
  extends SpoolPosition, Pick<PesUnit, 'kind' | 'keyframe' | 'ptsTicks' | 'dtsTicks'> {}

/** A keyframe and all that arrived up to the next one. */
interface KeyframeGroup {
  /** PTS of the keyframe, unwrapped. */
  ptsTicks: number;
  /** In force at its beginning, and at its end; what changes between stands among the packets. */
  tables: Buffer;
  endTables: Buffer;
  packets: Buffer[];
  pictures: KeptPicture[];
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
  private readonly watchers = new Set<() => void>();

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

  /** Where what comes next will stand; in front of a group to come while there is none. */
  get endPosition(): SpoolPosition {
    const last = this.groups.at(-1);
    return last ? { group: this.newest, packet: last.packets.length } : { group: this.first, packet: 0 };
  }

  /** Whether a group is kept, or is still to come. */
  has(group: number): boolean {
    return group >= this.first;
  }

  /** The pictures from a place on, as far as they are kept. */
  *picturesFrom({ group, packet }: SpoolPosition): Generator<KeptPicture> {
    for (let g = Math.max(group, this.first); g < this.first + this.groups.length; g++)
      for (const picture of this.groups[g - this.first]!.pictures)
        if (g > group || picture.packet >= packet) yield picture;
  }

  /** Calls back after each arrival, before it is sent to anybody. @returns ends that */
  watch(onArrival: () => void): () => void {
    this.watchers.add(onArrival);
    return () => void this.watchers.delete(onArrival);
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
   * @param endOf the place before which it ends, once that is known; see `nudge`
   * @returns once all before that place is written, or nothing more will come. Rejects when the stream is so slow that what
   * comes next is not kept any more.
   */
  sendTo(
    stream: Writable,
    fromGroup: number,
    signal: AbortSignal,
    endOf: () => SpoolPosition | null = () => null,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let group = fromGroup;
      let packet = 0;
      let tables: Buffer | null = null;
      const isAtEnd = (): boolean => {
        const end = endOf();
        return end !== null && (group > end.group || (group === end.group && packet >= end.packet));
      };
      const pump = (): void => {
        while (stream.writable && !stream.writableNeedDrain && !signal.aborted) {
          if (group < this.first) {
            stop();
            reject(new Error('The relay takes the contribution more slowly than it arrives.'));
            return;
          }
          const current = this.groups[group - this.first];
          const next = current?.packets[packet];
          const isOver = isAtEnd() || (this.ended && !next && group >= this.newest);
          if (isOver) {
            stop();
            resolve();
          }
          if (isOver || !current) return;
          if (packet === 0 && current.tables !== tables) stream.write((tables = current.tables));
          if (next) {
            packet += 1;
            stream.write(next);
          } else if (group < this.newest) {
            tables = current.endTables;
            group += 1;
            packet = 0;
          } else return;
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

  /** Has those who send look again whether they are at their end. */
  nudge(): void {
    for (const pump of [...this.onArrival]) pump();
  }

  private wake(): void {
    for (const watcher of this.watchers) watcher();
    this.nudge();
  }

  private take(
    { kind, keyframe, ptsTicks, dtsTicks, packets }: PesUnit,
    tables: Buffer,
    isStandIn: boolean,
  ): void {
    const last = this.groups.at(-1);
    if (kind === 'video' && keyframe) {
      const unwrapped = last ? unwrapTicks(ptsTicks, last.ptsTicks) : ptsTicks;
      this.groups.push({
        ptsTicks: unwrapped,
        ...{ tables, endTables: tables },
        packets: [],
        pictures: [],
        bytes: 0,
        passedMs: this.now(),
        isStandIn,
      });
    }
    const group = this.groups.at(-1);
    if (!group) return;
    // A track joins at once, not with the next keyframe.
    if (group.endTables !== tables) group.packets.push((group.endTables = tables));
    if (kind === 'video') {
      const place = { group: this.newest, packet: group.packets.length };
      group.pictures.push({ ...place, kind, keyframe, ptsTicks, dtsTicks });
    }
    group.packets.push(packets);
    group.bytes += packets.length;
    this.bytes += packets.length;
    this.evict();
  }

  private evict(): void {
    // By the wall clock: that of the input may jump.
    const oldestMs = this.now() - MAX_SPOOL_MS;
    while (this.groups.length > 1 && (this.bytes > this.maxBytes() || this.groups[1]!.passedMs <= oldestMs)) {
      this.bytes -= this.groups.shift()!.bytes;
      this.first += 1;
    }
  }
}
