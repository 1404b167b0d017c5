import { FEED_OFFSET_TICKS, gopOf, gopStartTicks } from '../../domain';
import { TransportStreamReader, parseTables, retimePackets, writeTables, type PesUnit } from '../mpegts';
import type { PassedTracks, PassedUnit } from './feed-demuxer';
import { discontinuityPacket, markDiscontinuity, stampContinuity } from './segment-packets';

/** A segment as one ffmpeg output gives it, with the presentation times of its frames for comparison. */
export interface AssembledSegment {
  gop: number;
  segment: Buffer;
  /** Feed clock (before it is rewritten to channel time), ascending. */
  videoPtsTicks: number[];
}

interface OpenSegment {
  gop: number;
  pictures: { dtsTicks: number; idr: boolean; packets: Buffer }[];
  videoPtsTicks: number[];
}

interface FinishedSegment extends OpenSegment {
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

  private take(unit: PesUnit): void {
    if (unit.kind !== 'video') return;
    const { fromGop, gopDurationTicks } = this.options;
    const gop = fromGop + gopOf(unit.ptsTicks - FEED_OFFSET_TICKS, gopDurationTicks);
    if (unit.idr && (!this.open || gop > this.open.gop)) {
      if (!this.tables) throw new Error('the encoder wrote a picture before its tables');
      if (this.open) this.finished.push({ ...this.open, endDtsTicks: unit.dtsTicks });
      this.open = { gop, pictures: [], videoPtsTicks: [] };
      markDiscontinuity(unit.packets);
    }
    if (!this.open || gop !== this.open.gop) {
      throw new Error(`the encoder did not begin GOP ${gop} with an IDR picture`);
    }
    if (unit.idr && this.open.pictures.length > 0) markDiscontinuity(unit.packets);
    this.open.pictures.push(unit);
    this.open.videoPtsTicks.push(unit.ptsTicks);
    this.lastPtsTicks = Math.max(this.lastPtsTicks, unit.ptsTicks);
    this.settle();
  }

  private give({ gop, pictures, videoPtsTicks, endDtsTicks }: FinishedSegment): void {
    const beginTicks = pictures[0]!.dtsTicks;
    const packets = [stampContinuity(this.tablesAt(beginTicks), gop)];
    const heard = new Set<number>();
    const isCut = (picture: OpenSegment['pictures'][number]): boolean =>
      picture.idr && picture !== pictures[0];
    pictures.forEach((picture, index) => {
      // A repetition of those at the beginning, in all: their counters go on with the next GOP.
      if (isCut(picture)) packets.push(packets[0]!);
      packets.push(picture.packets);
      for (const unit of this.passedBefore(pictures[index + 1]?.dtsTicks ?? endDtsTicks)) {
        // What came before the first picture of all belongs to a GOP of another session.
        if (unit.placeTicks < beginTicks) continue;
        if (!heard.has(unit.pid)) packets.push(discontinuityPacket(unit));
        heard.add(unit.pid);
        packets.push(unit.packets);
      }
    });
    const segment = Buffer.concat(packets);
    retimePackets(segment, this.deltaTicks);
    this.options.onSegment({ gop, segment, videoPtsTicks: videoPtsTicks.sort((a, b) => a - b) });
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
