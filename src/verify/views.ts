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

/** Segments that one decoder can decode in a row: cut at each EXT-X-DISCONTINUITY, where the picture's size may change. */
export const runsOf = (segments: readonly FetchedSegment[]): FetchedSegment[][] => {
  const runs: FetchedSegment[][] = [];
  for (const segment of segments) {
    const run = runs.at(-1);
    if (run && !segment.discontinuity) run.push(segment);
    else runs.push([segment]);
  }
  return runs;
};

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
    stamp: { key: Buffer; channelId: string } | null;
    /** Runs the decoder when there is room for it. */
    limit: <T>(task: () => Promise<T>) => Promise<T>;
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
    const shown = frames.map(({ ptsTicks, reading }): ShownFrame => {
      near = unwrapTicks(wrapTicks(ptsTicks), near);
      if (!stamp) return shownByTime(near, clock);
      const place = frameAt(near, clock);
      if (!reading?.ok) return { counter: null, place, fault: reading?.reason ?? 'no picture' };
      const onTime = isTimeOf(reading.frame, ptsTicks, clock);
      return { counter: reading.frame, place, ...(!onTime && { fault: "shown at another frame's time" }) };
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
