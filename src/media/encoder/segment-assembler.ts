import { FEED_OFFSET_TICKS, gopOf, gopStartTicks } from '../../domain';
import { TransportStreamReader, retimePackets, type PesUnit } from '../mpegts';

/** A segment as one ffmpeg output gives it, with the presentation times of its frames for comparison. */
export interface AssembledSegment {
  gop: number;
  segment: Buffer;
  /** Feed clock (before it is rewritten to channel time), ascending. */
  videoPtsTicks: number[];
}

interface OpenSegment {
  gop: number;
  packets: Buffer[];
  videoPtsTicks: number[];
  hasAudio: boolean;
}

/** Continuity counter of the tables' packets: by GOP, so that it also runs on across a change of encoder. */
const stampContinuity = (tables: Buffer, gop: number): Buffer => {
  const copy = Buffer.from(tables);
  for (let at = 3; at < copy.length; at += 188) copy[at] = (copy[at]! & 0xf0) | (gop & 0x0f);
  return copy;
};

/**
 * Says that the continuity counter of a segment's first picture (or audio unit) may not follow the one before: that one may come from
 * another session (ISO/IEC 13818-1, 2.4.3.5 discontinuity_indicator). Without it strict players drop the picture.
 * Set on every segment, so that what is published does not depend on where sessions change.
 */
const markDiscontinuity = (packets: Buffer): void => {
  const hasAdaptationField = (packets[3]! & 0x20) !== 0 && packets[4]! > 0;
  if (hasAdaptationField) packets[5]! |= 0x80;
};

/**
 * Cuts the MPEG-TS of one rendition into one segment per GOP. A segment is given once the IDR picture of the next
 * GOP has come, so that an unfinished tail is never taken for a segment.
 *
 * Audio is interleaved again: a unit goes in front of the first picture whose DTS is later than its PTS, whatever the order
 * in which the encoder wrote it. So a GOP holds the audio from the DTS of its IDR picture to that of the next, in every
 * build and every session, and none is lost or repeated where two of them meet. The order on the wire is no measure:
 * ffmpeg 7 copies audio most of a second ahead while it catches up, the 2018 build one unit.
 */
export class SegmentAssembler {
  private readonly reader: TransportStreamReader;
  private readonly deltaTicks: number;
  private tables: Buffer | null = null;
  private open: OpenSegment | null = null;
  /** Audio that no picture has followed yet, by PTS. */
  private audio: PesUnit[] = [];
  /** Latest presentation time encoded, feed clock. */
  lastPtsTicks = FEED_OFFSET_TICKS;

  constructor(
    private readonly fromGop: number,
    private readonly gopDurationTicks: number,
    private readonly onSegment: (segment: AssembledSegment) => void,
  ) {
    this.deltaTicks = gopStartTicks(fromGop, gopDurationTicks) - FEED_OFFSET_TICKS;
    this.reader = new TransportStreamReader({
      onUnit: (unit) => this.take(unit),
      onTables: (packets) => {
        this.tables ??= Buffer.from(packets);
      },
    });
  }

  /** @throws Error when the stream is damaged or not cut where it was asked to be. */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  /** At the end of the stream: the last unit may begin a GOP and so complete the one before. */
  flush(): void {
    this.reader.flush();
  }

  private take(unit: PesUnit): void {
    if (unit.kind === 'video') this.takeVideo(unit);
    else this.audio.push(unit);
  }

  /** Audio that is presented before this decoding time; what came before the first picture is dropped. */
  private placeAudio(untilDtsTicks: number): void {
    const due = this.audio.findIndex((unit) => unit.ptsTicks >= untilDtsTicks);
    const placed = this.audio.splice(0, due < 0 ? this.audio.length : due);
    const packets = placed.map((unit) => unit.packets);
    if (!this.open || packets.length === 0) return;
    if (!this.open.hasAudio) markDiscontinuity(packets[0]!);
    this.open.hasAudio = true;
    this.open.packets.push(...packets);
  }

  private takeVideo(unit: PesUnit): void {
    const gop = this.fromGop + gopOf(unit.ptsTicks - FEED_OFFSET_TICKS, this.gopDurationTicks);
    this.placeAudio(unit.dtsTicks);
    if (unit.idr && (!this.open || gop > this.open.gop)) {
      this.begin(gop);
      markDiscontinuity(unit.packets);
    }
    if (!this.open || gop !== this.open.gop) {
      throw new Error(`the encoder did not begin GOP ${gop} with an IDR picture`);
    }
    this.open.packets.push(unit.packets);
    this.open.videoPtsTicks.push(unit.ptsTicks);
    this.lastPtsTicks = Math.max(this.lastPtsTicks, unit.ptsTicks);
  }

  private begin(gop: number): void {
    if (!this.tables) throw new Error('the encoder wrote a picture before its tables');
    const finished = this.open;
    this.open = { gop, packets: [stampContinuity(this.tables, gop)], videoPtsTicks: [], hasAudio: false };
    if (!finished) return;
    const segment = Buffer.concat(finished.packets);
    retimePackets(segment, this.deltaTicks);
    this.onSegment({
      gop: finished.gop,
      segment,
      videoPtsTicks: finished.videoPtsTicks.sort((a, b) => a - b),
    });
  }
}
