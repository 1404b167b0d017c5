import { retimePackets } from '../mpegts';
import type { PassedUnit } from './feed-demuxer';
import { discontinuityPacket, stampContinuity } from './segment-packets';

/** A picture as the encoder gives it, on the feed clock. */
export interface EncodedPicture {
  ptsTicks: number;
  dtsTicks: number;
  idr: boolean;
  packets: Buffer;
}

export interface OpenSegmentOptions {
  /** From the feed clock to channel time. */
  deltaTicks: number;
  /** Tables in front of a picture with this DTS. */
  tablesAt: (dtsTicks: number) => Buffer;
  /** Takes the sound and data that go in front of this time of the feed. */
  passedBefore: (dtsTicks: number) => PassedUnit[];
}

/**
 * A segment that is being written. It may be taken piece by piece while it grows: what was taken so, and the rest, are
 * its bytes.
 */
export class OpenSegment {
  private readonly pictures: EncodedPicture[] = [];
  /** In channel time, as they are published. */
  private readonly taken: Buffer[] = [];
  private takenPictures = 0;
  private readonly heard = new Set<number>();
  private tables: Buffer | null = null;

  constructor(
    readonly gop: number,
    private readonly options: OpenSegmentOptions,
  ) {}

  get hasPictures(): boolean {
    return this.pictures.length > 0;
  }

  /** Feed clock, ascending. */
  get videoPtsTicks(): number[] {
    return this.pictures.map(({ ptsTicks }) => ptsTicks).sort((a, b) => a - b);
  }

  add(picture: EncodedPicture): void {
    this.pictures.push(picture);
  }

  /** Channel time of the first picture from a channel time on; null while none has come. */
  firstFrom(ticks: number): number | null {
    const feedTicks = ticks - this.options.deltaTicks;
    const later = this.pictures.map(({ ptsTicks }) => ptsTicks).filter((pts) => pts >= feedTicks);
    return later.length > 0 ? Math.min(...later) + this.options.deltaTicks : null;
  }

  /**
   * DTS of the picture before which it would be divided at a channel time; null while one may still come that belongs in
   * front: a picture is never shown before it is decoded.
   */
  nextDtsTicks(untilTicks: number): number | null {
    const feedTicks = untilTicks - this.options.deltaTicks;
    const last = this.pictures.at(-1);
    if (!last || last.dtsTicks < feedTicks) return null;
    return this.pictures.find(({ ptsTicks }) => ptsTicks >= feedTicks)?.dtsTicks ?? null;
  }

  /** True if at that time the order of decoding goes on as that of presentation does: only there can it be divided. */
  canDivide(untilTicks: number): boolean {
    const feedTicks = untilTicks - this.options.deltaTicks;
    const next = this.pictures.findIndex(({ ptsTicks }) => ptsTicks >= feedTicks);
    return next > this.takenPictures && this.pictures.slice(next).every((p) => p.ptsTicks >= feedTicks);
  }

  /** Takes what has not been taken of the pictures before a channel time. See nextDtsTicks and canDivide. */
  take(untilTicks: number): Buffer {
    const feedTicks = untilTicks - this.options.deltaTicks;
    const next = this.pictures.findIndex(({ ptsTicks }) => ptsTicks >= feedTicks);
    return this.write(next, this.pictures[next]!.dtsTicks);
  }

  get isUntaken(): boolean {
    return this.takenPictures === 0;
  }

  /**
   * Passes over the pictures before a channel time, as they are public, of another encode; that goes on from here. See
   * nextDtsTicks. False where no IDR picture is there, or it can't be divided.
   */
  passOver(untilTicks: number): boolean {
    const feedTicks = untilTicks - this.options.deltaTicks;
    if (!this.canDivide(untilTicks)) return false;
    if (!this.pictures.find(({ ptsTicks }) => ptsTicks >= feedTicks)?.idr) return false;
    this.take(untilTicks);
    return true;
  }

  /** All of it, once its last picture has come. @param endDtsTicks DTS of the picture that begins the next segment */
  end(endDtsTicks: number): Buffer {
    const rest = this.write(this.pictures.length, endDtsTicks);
    return this.taken.length === 1 ? rest : Buffer.concat(this.taken);
  }

  private write(untilPicture: number, endDtsTicks: number): Buffer {
    const { deltaTicks, passedBefore, tablesAt } = this.options;
    const beginTicks = this.pictures[0]!.dtsTicks;
    const packets: Buffer[] = [];
    if (!this.tables) {
      this.tables = stampContinuity(tablesAt(beginTicks), this.gop);
      packets.push(this.tables);
    }
    for (; this.takenPictures < untilPicture; this.takenPictures += 1) {
      const picture = this.pictures[this.takenPictures]!;
      const followedAtTicks = this.pictures[this.takenPictures + 1]?.dtsTicks ?? endDtsTicks;
      // A cut. A repetition of those at the beginning, in all: their counters go on with the next GOP.
      if (picture.idr && this.takenPictures > 0) packets.push(this.tables);
      packets.push(picture.packets);
      for (const unit of passedBefore(followedAtTicks)) {
        // What came before the first picture of all belongs to a GOP of another session.
        if (unit.placeTicks < beginTicks) continue;
        if (!this.heard.has(unit.pid)) packets.push(discontinuityPacket(unit));
        this.heard.add(unit.pid);
        packets.push(unit.packets);
      }
    }
    const bytes = Buffer.concat(packets);
    retimePackets(bytes, deltaTicks);
    this.taken.push(bytes);
    return bytes;
  }
}
