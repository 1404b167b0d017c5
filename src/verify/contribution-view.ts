import { createReadStream } from 'node:fs';
import { FEED_OFFSET_TICKS, gopStartTicks } from '../domain';
import type { FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { deinterlaceFilter, shapeFilters } from '../media/encoder/picture-shape';
import { unwrapTicks, wrapTicks } from '../media/mpegts';
import { compareSound, type SoundDifference } from './compare-sound';
import { THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX, matchByContent, type Thumbnail } from './content-match';
import type { Contribution, ContributionPiece } from './contribution';
import { decodeFrames, type Look } from './decode';
import { gopStart, type FrameClock } from './frame-clock';
import type { Limit } from './limit';
import type { ContributionFigures } from './report';
import { FactsReader, SOUND_AHEAD_TICKS, type SoundFact } from './stream-facts';
import { cutWhere, decodeDeadlineMs, runsOf, type FetchedSegment, type View } from './views';

export const CONTRIBUTION_VIEW = 'contribution';

interface Size {
  widthPx: number;
  heightPx: number;
}

/** Rendition sizes of one shape, as good as. */
const shapeOf = ({ widthPx, heightPx }: Size): string => (widthPx / heightPx).toFixed(2);

/** @param size that the picture is brought to first, as the encoder does it; null: it is that of a rendition */
const thumbnailsIn = (size: Size | null): Look<{ luma: Uint8Array; size: Size }> => ({
  // As the encoder: of interlaced pictures one whole picture each.
  before: `${deinterlaceFilter('frame')}${size ? `${shapeFilters(size)},` : ''}`,
  filter: `scale=${THUMBNAIL_WIDTH_PX}:${THUMBNAIL_HEIGHT_PX}:flags=area,format=gray`,
  bytesOf: () => THUMBNAIL_WIDTH_PX * THUMBNAIL_HEIGHT_PX,
  read: (luma, widthPx, heightPx) => ({ luma: Uint8Array.from(luma), size: { widthPx, heightPx } }),
});

const thumbnailsOf = async (
  paths: readonly string[],
  segments: number,
  nearTicks: number,
  how: { build: FfmpegCapabilities; limit: Limit },
  size: Size | null = null,
): Promise<(Thumbnail & { size: Size })[]> => {
  const input = { as: 'concatenation' as const, segmentPaths: [...paths] };
  const { frames } = await how.limit(() =>
    decodeFrames(how.build, input, decodeDeadlineMs(segments), thumbnailsIn(size)),
  );
  let near = nearTicks;
  return frames.flatMap(({ ptsTicks, reading }) => {
    near = unwrapTicks(wrapTicks(ptsTicks), near);
    return reading ? [{ ptsTicks: near, ...reading }] : [];
  });
};

/** A channel's contribution, taken apart once for all of its renditions. */
export class ReadContribution {
  /** By the shape of the rendition that they are compared with. */
  private readonly pictures = new Map<string, Promise<Thumbnail[]>>();
  private sound: Promise<SoundFact[]> | undefined;

  constructor(
    private readonly contribution: Contribution,
    private readonly how: { build: FfmpegCapabilities; limit: Limit },
  ) {}

  /** GOPs that are whole in it. */
  get range(): { firstGop: number; lastGop: number } {
    return this.contribution;
  }

  /** Its pictures on channel time, with the bars that a rendition of this size has. */
  thumbnails(size: Size): Promise<Thumbnail[]> {
    const shape = shapeOf(size);
    const pictures = this.pictures.get(shape) ?? this.readPictures(size);
    this.pictures.set(shape, pictures);
    return pictures;
  }

  /** Its units of sound on channel time, of all tracks. */
  units(): Promise<SoundFact[]> {
    return (this.sound ??= this.readSound());
  }

  private async readPictures(size: Size): Promise<Thumbnail[]> {
    const all: Thumbnail[] = [];
    for (const piece of this.contribution.pieces) {
      const pictures = await thumbnailsOf([piece.path], this.gops, FEED_OFFSET_TICKS, this.how, size);
      const shift = this.shiftOf(piece);
      // What comes before the first GOP only feeds the decoder.
      for (const { ptsTicks, luma } of pictures)
        if (ptsTicks >= FEED_OFFSET_TICKS) all.push({ ptsTicks: ptsTicks + shift, luma });
    }
    return all;
  }

  private async readSound(): Promise<SoundFact[]> {
    const all: SoundFact[] = [];
    for (const piece of this.contribution.pieces) {
      const reader = new FactsReader(FEED_OFFSET_TICKS);
      for await (const chunk of createReadStream(piece.path) as AsyncIterable<Buffer>) reader.push(chunk);
      const shift = this.shiftOf(piece);
      // Where two pieces overlap, the later one has it again.
      const lastOf = new Map(all.map(({ track, ptsTicks }) => [track, ptsTicks]));
      for (const unit of reader.end().sound) {
        const ptsTicks = unit.ptsTicks + shift;
        if (ptsTicks > (lastOf.get(unit.track) ?? -Infinity)) all.push({ ...unit, ptsTicks });
      }
    }
    return all;
  }

  private get gops(): number {
    return this.contribution.lastGop - this.contribution.firstGop + 1;
  }

  private shiftOf({ fromGop }: ContributionPiece): number {
    return gopStartTicks(fromGop, this.contribution.gopDurationTicks) - FEED_OFFSET_TICKS;
  }
}

/** What the published segments show, each picture taken to be the one of the contribution that it looks like. */
export const contributionView = async (
  segments: readonly FetchedSegment[],
  clock: FrameClock,
  read: ReadContribution,
  how: { build: FfmpegCapabilities; limit: Limit },
): Promise<{ view: View; figures: ContributionFigures }> => {
  const { firstGop, lastGop } = read.range;
  const compared = segments.filter(({ gop, malformed }) => gop >= firstGop && gop <= lastGop && !malformed);
  const runs = await Promise.all(
    runsOf(compared).map((run) =>
      thumbnailsOf(
        run.map(({ path }) => path),
        run.length,
        gopStart(run[0]!.gop, clock),
        how,
      ),
    ),
  );
  const published = runs.flat();
  const sent = published[0] ? await read.thumbnails(published[0].size) : [];
  const match = matchByContent(published, sent, clock);
  const sound = await soundOf(compared, clock, read);
  const problems = [
    ...(match.compared === 0 ? ['nothing was compared: the relay keeps none of the GOPs listed'] : []),
    ...(sound.lost > 0 ? [`sound: ${sound.lost} packets of the contribution are missing`] : []),
    ...(sound.repeated > 0 ? [`sound: ${sound.repeated} packets are not those of the contribution`] : []),
    ...(sound.offsetChangeMs >= 1
      ? [`sound: moved by ${sound.offsetChangeMs.toFixed(1)} ms against the pictures`]
      : []),
  ];
  return {
    view: { name: CONTRIBUTION_VIEW, shown: match.shown, problems },
    figures: {
      framesCompared: match.compared,
      framesAlike: match.alike,
      soundPacketsCompared: sound.checked,
      soundPacketsLost: sound.lost,
      soundPacketsForeign: sound.repeated,
      soundOffsetChangeMs: sound.offsetChangeMs,
    },
  };
};

/** Sound is passed on as it came: each packet of the contribution is there, once, to the byte. */
const soundOf = async (
  segments: readonly FetchedSegment[],
  clock: FrameClock,
  read: ReadContribution,
): Promise<SoundDifference> => {
  const total: SoundDifference = { checked: 0, lost: 0, repeated: 0, offsetChangeMs: 0 };
  const sent = await read.units();
  // The first GOP of the contribution may lack sound that came before its first picture.
  const whole = segments.filter(({ gop }) => gop > read.range.firstGop);
  for (const stretch of cutWhere(whole, (next, before) => next.gop !== before.gop + 1)) {
    const heard: SoundFact[] = [];
    for (const { path, gop } of stretch) {
      const reader = new FactsReader(gopStart(gop, clock));
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) reader.push(chunk);
      heard.push(...reader.end().sound);
    }
    const startTicks = gopStart(stretch[0]!.gop, clock);
    const untilTicks = gopStart(stretch.at(-1)!.gop + 1, clock) - SOUND_AHEAD_TICKS;
    const due = sent.filter(({ ptsTicks }) => ptsTicks >= startTicks && ptsTicks < untilTicks);
    for (const track of new Set([...heard, ...due].map((unit) => unit.track))) {
      const ofTrack = (units: readonly SoundFact[]): SoundFact[] => units.filter((u) => u.track === track);
      const published = ofTrack(heard);
      const difference = compareSound(ofTrack(published.length ? sent : due), published, untilTicks, () => 1);
      total.checked += difference.checked;
      total.lost += difference.lost;
      total.repeated += difference.repeated;
      total.offsetChangeMs = Math.max(total.offsetChangeMs, difference.offsetChangeMs);
    }
  }
  return total;
};
