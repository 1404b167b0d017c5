import {
  FEED_OFFSET_TICKS,
  TICKS_PER_SECOND,
  codecFacts,
  codecOf,
  divisorOf,
  pixelsPerSecondOf,
  presetOf,
  type Deinterlace,
  type FrameRate,
  type InputColour,
  type Rendition,
} from '../../domain';
import { MAX_CONSECUTIVE_B_FRAMES, codecArguments, threadDelayFrames } from './codec-arguments';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';
import { deviceArguments, uploadFilter } from './hardware-arguments';
import { colourArguments } from './picture-colour';
import { deinterlaceFilter, shapeFilters } from './picture-shape';

/** Feed time just before the first GOP asked for (FEED_OFFSET_TICKS is 100 s): earlier frames only feed the decoder. */
const TRIM_START_SECONDS = '99.999995';
/** Pixels per second of a contribution that one thread decodes in half of its time: 1920x1080 at 30 frames/s. */
const DECODED_PIXELS_PER_THREAD = 1920 * 1080 * 30;
const MAX_DECODE_THREADS = 4;

type SizedJob = Pick<EncodeJob, 'renditions' | 'framesPerSecond' | 'inputPixelsPerSecond'>;

/** The contribution is taken to be at least as large as the largest rendition. */
const decodeThreads = ({ renditions, framesPerSecond, inputPixelsPerSecond }: SizedJob): number => {
  const ofRenditions = renditions.map((r) => pixelsPerSecondOf(r, framesPerSecond));
  const pixels = Math.max(inputPixelsPerSecond ?? 0, ...ofRenditions);
  return Math.min(MAX_DECODE_THREADS, Math.ceil(pixels / DECODED_PIXELS_PER_THREAD));
};

/**
 * Frames that are held back before the first comes out: by reordering, lookahead and threads, and one each in decoder and
 * muxer.
 */
export const encoderDelayFrames = (job: SizedJob): number =>
  Math.max(
    ...job.renditions.map(
      (r) =>
        divisorOf(r) *
          (lookaheadFrames(r) + MAX_CONSECUTIVE_B_FRAMES + threadDelayFrames(r, job.framesPerSecond)) +
        (divisorOf(r) - 1),
    ),
  ) +
  decodeThreads(job) +
  1;

const lookaheadFrames = (r: Rendition): number => {
  const preset = presetOf(r);
  return (preset && codecFacts(codecOf(r)).lookaheadFrames[preset]) ?? 0;
};

export interface EncodeJob {
  renditions: readonly Rendition[];
  framesPerSecond: FrameRate;
  gopDurationTicks: number;
  deinterlace?: Deinterlace | undefined;
  /** Of the contribution; absent: not known. */
  inputPixelsPerSecond?: number | undefined;
  /** Of the contribution; absent: not known. */
  inputColour?: InputColour | undefined;
  /** See RunOptions. */
  lowLatency?: boolean | undefined;
  /** See keyFrameList. */
  keyFrameTimes: string;
}

/** File descriptor on which ffmpeg writes a rendition: standard output, then 3, 4, … (2 is its log). */
export const outputDescriptor = (renditionIndex: number): number =>
  renditionIndex === 0 ? 1 : renditionIndex + 2;

/**
 * Arguments of the one ffmpeg of a session: the pictures of a feed on standard input, one MPEG-TS per rendition on its own
 * descriptor. Every rendition and every build cuts the same frames: docs/explanation/life-of-a-gop.md has what was tried.
 * @throws SwarmError encoder-incompatible when a rendition fits no level.
 */
export const ffmpegArguments = (job: EncodeJob, ffmpeg: FfmpegCapabilities): string[] => [
  ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-y'],
  ...['-copyts', '-probesize', '200k', '-analyzeduration', '200k', '-filter_threads', '1'],
  ...deviceArguments(job.renditions),
  ...['-threads', String(decodeThreads(job)), '-f', 'mpegts', '-i', 'pipe:0'],
  ...job.renditions.flatMap((rendition, index) => outputArguments(rendition, index, job, ffmpeg)),
];

/**
 * Lets the pictures of picturesKept through: those of each GOP counted from its first, in order of presentation. Exact:
 * times of the feed are whole ticks, and a filter before may have another time base.
 */
const keptPictures = (divisor: number, gopDurationTicks: number): string => {
  if (divisor === 1) return '';
  const gop = `1+floor((round(pts*TB*${TICKS_PER_SECOND})-${FEED_OFFSET_TICKS})/${gopDurationTicks})`;
  const index = 'if(eq(ld(0),ld(2)),ld(1)+1,0)';
  return `select='st(0,${gop});st(1,${index});st(2,ld(0));not(mod(ld(1),${divisor}))',`;
};

const outputArguments = (
  r: Rendition,
  index: number,
  { deinterlace, framesPerSecond, gopDurationTicks, inputColour, keyFrameTimes, lowLatency }: EncodeJob,
  ffmpeg: FfmpegCapabilities,
): string[] => {
  const { scaleOptions, filters, marks } = colourArguments(r, inputColour, ffmpeg.canMapTones);
  return [
    ...['-map', '0:v:0'],
    ...[
      '-vf',
      `${deinterlaceFilter(deinterlace)}trim=start=${TRIM_START_SECONDS},` +
        `${keptPictures(divisorOf(r), gopDurationTicks)}${shapeFilters(r, scaleOptions)}${filters}${uploadFilter(r)}`,
    ],
    ...(ffmpeg.hasFpsMode ? ['-fps_mode', 'passthrough'] : ['-vsync', '0']),
    ...['-enc_time_base', '1:90000'],
    ...codecArguments(r, framesPerSecond, lowLatency),
    ...marks,
    ...['-g', '100000', '-keyint_min', '1', '-sc_threshold', '0', '-forced-idr', '1', '-flags', '+cgop'],
    ...['-force_key_frames', keyFrameTimes],
    ...['-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1'],
    ...['-f', 'mpegts', `pipe:${outputDescriptor(index)}`],
  ];
};
