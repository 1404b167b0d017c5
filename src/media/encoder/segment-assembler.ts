import { FEED_OFFSET_TICKS, gopOf, gopStartTicks } from '../../domain';
import { TransportStreamReader, parseTables, writeTables, type PesUnit } from '../mpegts';
import type { PassedTracks, PassedUnit } from './feed-demuxer';
import { OpenSegment } from './open-segment';
import { markDiscontinuity } from './segment-packets';

/** A segment as one ffmpeg output gives it, with the presentation times of its frames for comparison. */
export interface AssembledSegment {
  gop: number;
  segment: Buffer;
  /** Feed clock (before it is rewritten to channel time), ascending. */
  videoPtsTicks: number[];
}

interface FinishedSegment {
  open: OpenSegment;
  /** DTS of the picture that begins the next one. */
  endDtsTicks: number;
}

export interface SegmentAssemblerOptions {
  fromGop: number;
  gopDurationTicks: number;
  /** True once no sound or data can come any more that goes in front of this time of the feed. */
  hasPassed?: (ticks: number) => boolean;
  onSegment(segment: AssembledSegment): void;
}

/**
 * Cuts the MPEG-TS of one rendition into one segment per GOP, and lays the sound and data of the feed beside its
 * pictures. A segment is given once the IDR picture of the next GOP has come, so that an unfinished tail is never taken
 * for a segment, and once the sound has come that goes with it.
 *
 * A unit goes in front of the first picture whose DTS is later than its place, whatever the order in which it came. So a
 * GOP holds the sound from the DTS of its IDR picture to that of the next, in every build and every session, and none is
 * lost or repeated where two of them meet.
 *
 * An IDR picture within a GOP is a cut at a splice: tables stand in front of it, so that the segment can be divided there.
 */
export class SegmentAssembler {
  private readonly reader: TransportStreamReader;
  private readonly deltaTicks: number;
  private tables: Buffer | null = null;
  private open: OpenSegment | null = null;
  private finished: FinishedSegment[] = [];
  /** Sound and data that no picture has followed yet, by place. */
  private passed: PassedUnit[] = [];
  /** In the order in which they come into force; the first one is, or will be for the first segment. */
  private tracks: PassedTracks[] = [];
  /** Latest presentation time encoded, feed clock. */
  lastPtsTicks = FEED_OFFSET_TICKS;

  constructor(private readonly options: SegmentAssemblerOptions) {
    const { fromGop, gopDurationTicks } = options;
    this.deltaTicks = gopStartTicks(fromGop, gopDurationTicks) - FEED_OFFSET_TICKS;
    this.reader = new TransportStreamReader({
      onUnit: (unit) => this.take(unit),
      onTables: (packets) => {
        this.tables ??= Buffer.from(packets);
      },
    });
  }

  /** Takes what the encoder wrote. @throws Error when the stream is damaged or not cut where it was asked to be. */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  /** At the end of the stream: the last unit may begin a GOP and so complete the one before. */
  flush(): void {
    this.reader.flush();
    this.settle();
  }

  setTracks(tracks: PassedTracks): void {
    this.tracks.push(tracks);
  }

  pass(unit: PassedUnit): void {
    const after = this.passed.findLastIndex(({ placeTicks }) => placeTicks <= unit.placeTicks);
    this.passed.splice(after + 1, 0, unit);
  }

  /** Gives the segments that have all that belongs to them. */
  settle(): void {
    const { hasPassed = () => true } = this.options;
    while (this.finished[0] && hasPassed(this.finished[0].endDtsTicks)) this.give(this.finished.shift()!);
  }

  /** The GOP that is being written, as far as there is one of this number. */
  openSegment(gop: number): OpenSegment | null {
    return this.open?.gop === gop ? this.open : null;
  }

  /** True once the pictures of a GOP before a channel time are all there, and the sound that goes with them. */
  isReady(open: OpenSegment, untilTicks: number): boolean {
    const nextDtsTicks = open.nextDtsTicks(untilTicks);
    return nextDtsTicks !== null && (this.options.hasPassed?.(nextDtsTicks) ?? true);
  }

  private take(unit: PesUnit): void {
    if (unit.kind !== 'video') return;
    const { fromGop, gopDurationTicks } = this.options;
    const gop = fromGop + gopOf(unit.ptsTicks - FEED_OFFSET_TICKS, gopDurationTicks);
    if (unit.idr && (!this.open || gop > this.open.gop)) {
      if (!this.tables) throw new Error('the encoder wrote a picture before its tables');
      if (this.open) this.finished.push({ open: this.open, endDtsTicks: unit.dtsTicks });
      this.open = new OpenSegment(gop, {
        deltaTicks: this.deltaTicks,
        tablesAt: (ticks) => this.tablesAt(ticks),
        passedBefore: (ticks) => this.passedBefore(ticks),
      });
      markDiscontinuity(unit.packets);
    }
    if (!this.open || gop !== this.open.gop) {
      throw new Error(`the encoder did not begin GOP ${gop} with an IDR picture`);
    }
    if (unit.idr && this.open.hasPictures) markDiscontinuity(unit.packets);
    this.open.add(unit);
    this.lastPtsTicks = Math.max(this.lastPtsTicks, unit.ptsTicks);
    this.settle();
  }

  private give({ open, endDtsTicks }: FinishedSegment): void {
    this.options.onSegment({
      gop: open.gop,
      segment: open.end(endDtsTicks),
      videoPtsTicks: open.videoPtsTicks,
    });
  }

  private passedBefore(ticks: number): PassedUnit[] {
    const due = this.passed.findIndex(({ placeTicks }) => placeTicks >= ticks);
    return this.passed.splice(0, due < 0 ? this.passed.length : due);
  }

  /** The encoder's own tables, with the tracks that go round it. */
  private tablesAt(ticks: number): Buffer {
    while (this.tracks[1] && this.tracks[1].placeTicks <= ticks) this.tracks.shift();
    const [tracks] = this.tracks;
    if (!tracks || tracks.streams.length === 0) return this.tables!;
    const own = parseTables(this.tables!);
    return writeTables({
      ...own,
      version: tracks.version,
      descriptors: tracks.descriptors,
      streams: [...own.streams, ...tracks.streams],
    });
  }
}
