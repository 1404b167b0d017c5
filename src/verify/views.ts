import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { inspectSegment, unwrapTicks, wrapTicks } from '../media/mpegts';
import { readStamp, type StampReading } from '../media/stamp';
import { decodeFrames, type DecoderInput, type Look } from './decode';
import type { CollectedSegment } from './follower';
import { frameAt, gopStart, isTimeOf, type FrameClock } from './frame-clock';
import type { ShownFrame } from './judge';
import type { Limit } from './limit';

/** A segment that was fetched, and what its container says. */
export interface FetchedSegment extends CollectedSegment {
  path: string;
  /** PTS of its frames in order of presentation; none if `malformed`. */
  ptsTicks: number[];
  beginsWithIdr: boolean;
  /** Why it can't be read as a transport stream. */
  malformed?: string;
}

/** Reads the container of a fetched segment. */
export const openSegment = async (segment: CollectedSegment & { path: string }): Promise<FetchedSegment> => {
  try {
    const { videoPtsTicks, beginsWithIdr } = inspectSegment(await readFile(segment.path));
    return { ...segment, ptsTicks: videoPtsTicks, beginsWithIdr };
  } catch (error) {
    return { ...segment, ptsTicks: [], beginsWithIdr: false, malformed: (error as Error).message };
  }
};

/** What one way of looking at a playlist showed. */
export interface View {
  /** Who looked: a build of ffmpeg and how it was fed, or CONTAINER_VIEW. */
  name: string;
  shown: ShownFrame[];
  problems: string[];
}

export const CONTAINER_VIEW = 'container';

/** Takes a frame to be the one of its time stamp. */
const shownByTime = (ptsTicks: number, clock: FrameClock): ShownFrame => {
  const place = frameAt(ptsTicks, clock);
  return isTimeOf(place, ptsTicks, clock)
    ? { counter: place, place }
    : { counter: null, place, fault: 'time stamp off the frame clock' };
};

/** The time stamps that each segment's container holds, and whether each segment can stand on its own. */
export const containerView = (segments: readonly FetchedSegment[], clock: FrameClock): View => {
  const shown: ShownFrame[] = [];
  const problems: string[] = [];
  for (const { gop, ptsTicks, beginsWithIdr, malformed } of segments) {
    if (malformed !== undefined) {
      problems.push(`GOP ${gop}: not a sound transport stream: ${malformed}`);
      continue;
    }
    if (!beginsWithIdr) problems.push(`GOP ${gop}: does not begin with an IDR picture`);
    for (const pts of ptsTicks) {
      const frame = shownByTime(unwrapTicks(pts, gopStart(gop, clock)), clock);
      const elsewhere = frame.counter !== null && Math.floor(frame.counter / clock.framesPerGop) !== gop;
      shown.push(elsewhere ? { ...frame, fault: 'in the segment of another GOP' } : frame);
    }
  }
  return { name: CONTAINER_VIEW, shown, problems };
};

/** Cuts a list in front of each item for which that is so. */
export const cutWhere = <T>(items: readonly T[], isCut: (next: T, before: T) => boolean): T[][] => {
  const parts: T[][] = [];
  for (const item of items) {
    const part = parts.at(-1);
    if (part && !isCut(item, part.at(-1)!)) part.push(item);
    else parts.push([item]);
  }
  return parts;
};

/** Segments that one decoder can decode in a row: cut at each EXT-X-DISCONTINUITY, where the picture's size may change. */
export const runsOf = (segments: readonly FetchedSegment[]): FetchedSegment[][] =>
  cutWhere(segments, (next) => next.discontinuity);

/** Writes a run as a playlist of its own beside its segments. */
export const writeLocalPlaylist = async (run: readonly FetchedSegment[]): Promise<string> => {
  const longest = Math.ceil(Math.max(...run.map((s) => s.durationSeconds)));
  const path = join(dirname(run[0]!.path), `${randomUUID()}.m3u8`);
  const lines = [
    ...['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${longest}`],
    `#EXT-X-MEDIA-SEQUENCE:${run[0]!.gop}`,
    ...run.flatMap((s) => [`#EXTINF:${s.durationSeconds},`, s.path]),
    '#EXT-X-ENDLIST',
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
};

/** The band of the stamp, which is at the top of each picture. */
const stampLook = (key: Buffer, channelId: string): Look<StampReading> => ({
  filter: 'crop=iw:2*ceil(ih/9):0:0,extractplanes=y',
  bytesOf: (widthPx, heightPx) => widthPx * 2 * Math.ceil(heightPx / 9),
  read: (band, widthPx, heightPx) => readStamp(band, widthPx, heightPx, key, channelId),
});

/** How long a decoder may take for so many segments. */
export const decodeDeadlineMs = (segments: number): number => 30_000 + 2_000 * segments;

/** How many pictures of its channel there are for each of a rendition, by what most stamps say: 1, 2 or 3. */
const divisorOf = (placed: readonly { place: number; reading: StampReading | null }[]): number => {
  const votes = [0, 0, 0, 0];
  for (const { place, reading } of placed) {
    if (!reading?.ok || place === 0) continue;
    const divisor = Math.min(3, Math.max(1, Math.round(reading.frame / place)));
    votes[divisor]! += 1;
  }
  return Math.max(1, votes.indexOf(Math.max(...votes)));
};

/**
 * What a build of ffmpeg shows of the segments. With a stamp key, a frame is what its stamp proves, at the time
 * that the stamp's counter says; without one, a frame is what its time stamp says.
 */
export const decodedView = async (
  segments: readonly FetchedSegment[],
  clock: FrameClock,
  how: {
    build: FfmpegCapabilities;
    as: DecoderInput['as'];
    /** `mayBeDivided`: the rendition may have a half or a third of the channel's rate, which its stamps count in. */
    stamp: { key: Buffer; channelId: string; mayBeDivided: boolean } | null;
    /** Runs the decoder when there is room for it. */
    limit: Limit;
  },
): Promise<View> => {
  const { build, as, stamp, limit } = how;
  const look = stamp && stampLook(stamp.key, stamp.channelId);
  const decodeRun = async (run: FetchedSegment[]): Promise<Omit<View, 'name'>> => {
    const input: DecoderInput =
      as === 'playlist'
        ? { as, path: await writeLocalPlaylist(run) }
        : { as, segmentPaths: run.map((s) => s.path) };
    const deadlineMs = decodeDeadlineMs(run.length);
    const { frames, complaints } = await limit(() => decodeFrames(build, input, deadlineMs, look));
    let near = gopStart(run[0]!.gop, clock);
    const placed = frames.map(({ ptsTicks, reading }) => {
      near = unwrapTicks(wrapTicks(ptsTicks), near);
      return { ptsTicks, nearTicks: near, place: frameAt(near, clock), reading };
    });
    const divisor = stamp?.mayBeDivided ? divisorOf(placed) : 1;
    const shown = placed.map(({ ptsTicks, nearTicks, place, reading }): ShownFrame => {
      if (!stamp) return shownByTime(nearTicks, clock);
      if (!reading?.ok) return { counter: null, place, fault: reading?.reason ?? 'no picture' };
      const counter = reading.frame / divisor;
      if (!Number.isInteger(counter))
        return { counter: null, place, fault: 'a picture that the rendition leaves out' };
      const onTime = isTimeOf(counter, ptsTicks, clock);
      return { counter, place, ...(!onTime && { fault: "shown at another frame's time" }) };
    });
    const [first, last] = [run[0]!.gop, run.at(-1)!.gop];
    return { shown, problems: complaints.map((line) => `decoder, GOPs ${first}-${last}: ${line}`) };
  };
  const decoded = await Promise.all(runsOf(segments).map(decodeRun));
  return {
    name: `ffmpeg ${build.version.split(' ')[0]}, as ${as}`,
    shown: decoded.flatMap((run) => run.shown),
    problems: decoded.flatMap((run) => run.problems),
  };
};
