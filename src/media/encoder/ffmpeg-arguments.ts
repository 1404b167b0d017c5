import {
  DEFAULT_PRESET,
  bufferKbitOf,
  framesPerSecondOf,
  renditionUnits,
  type Deinterlace,
  type FrameRate,
  type Rendition,
  type X264Preset,
} from '../../domain';
import { avcLevelFor } from './avc-level';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';

/** Feed time just before the first GOP asked for (FEED_OFFSET_TICKS is 100 s): earlier frames only feed the decoder. */
const TRIM_START_SECONDS = '99.999995';
const DEFAULT_PROFILE = 'main';
/** Frames by which x264 looks ahead, by preset: it holds back as many. */
const LOOKAHEAD_FRAMES: Record<X264Preset, number> = {
  ultrafast: 0,
  superfast: 0,
  veryfast: 10,
  faster: 20,
  fast: 30,
  medium: 40,
};
/**
 * A session keeps within this share of the rate buffer. It does not know how full the one before left a player's buffer;
 * where each keeps within a half, two of them in a row keep within the whole. x264 without lookahead also misses by a few
 * pictures, which the other half takes.
 */
const SESSION_BUFFER_SHARE = 0.5;
/** Pictures that are not interlaced pass as they are. Times stay those of the frames. */
const DEINTERLACE = 'bwdif=mode=send_frame:deint=interlaced,';
const MAX_CONSECUTIVE_B_FRAMES = 2;
/** Encode units (see domain/encode-units.ts) that one thread encodes in half of its time, as measured. */
const UNITS_PER_THREAD = 24;
/** Pixels per second of a contribution that one thread decodes in half of its time: 1920x1080 at 30 frames/s. */
const DECODED_PIXELS_PER_THREAD = 1920 * 1080 * 30;
const MAX_ENCODE_THREADS = 8;
const MAX_DECODE_THREADS = 4;

/** x264 works at as many pictures at once as it has threads: small pictures gain nothing, and wait the longer. */
const encodeThreads = (r: Rendition, rate: FrameRate): number =>
  Math.min(MAX_ENCODE_THREADS, Math.ceil(renditionUnits(r, rate) / UNITS_PER_THREAD));

type DecodedJob = Pick<EncodeJob, 'renditions' | 'framesPerSecond' | 'inputPixelsPerSecond'>;

/** The contribution is at least as large as the largest rendition. */
const decodeThreads = ({ renditions, framesPerSecond, inputPixelsPerSecond }: DecodedJob): number => {
  const largest = Math.max(...renditions.map((r) => r.widthPx * r.heightPx));
  const pixels = Math.max(inputPixelsPerSecond ?? 0, largest * framesPerSecondOf(framesPerSecond));
  return Math.min(MAX_DECODE_THREADS, Math.ceil(pixels / DECODED_PIXELS_PER_THREAD));
};

/**
 * Frames that are held back before the first comes out: by reordering, lookahead, threads, and one each in decoder and
 * muxer.
 */
export const encoderDelayFrames = (job: DecodedJob): number =>
  Math.max(
    ...job.renditions.map(
      (r) => LOOKAHEAD_FRAMES[r.preset ?? DEFAULT_PRESET] + encodeThreads(r, job.framesPerSecond) - 1,
    ),
  ) +
  decodeThreads(job) -
  1 +
  MAX_CONSECUTIVE_B_FRAMES +
  2;

export interface EncodeJob {
  renditions: readonly Rendition[];
  framesPerSecond: FrameRate;
  deinterlace?: Deinterlace | undefined;
  /** Absent: not known. */
  inputPixelsPerSecond?: number | undefined;
  /** See keyFrameList. */
  keyFrameTimes: string;
}

/** File descriptor on which ffmpeg writes a rendition: standard output, then 3, 4, … (2 is its log). */
export const outputDescriptor = (renditionIndex: number): number =>
  renditionIndex === 0 ? 1 : renditionIndex + 2;

/**
 * Arguments of the one ffmpeg of a session: the pictures of a feed on standard input, one MPEG-TS per rendition on its own
 * descriptor. Every rendition and every build cuts the same frames: docs/explanation/life-of-a-gop.md has what was tried.
 * @throws SwarmError encoder-incompatible when a rendition fits no H.264 level.
 */
export const ffmpegArguments = (job: EncodeJob, ffmpeg: FfmpegCapabilities): string[] => [
  ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-y'],
  ...['-copyts', '-probesize', '200k', '-analyzeduration', '200k', '-filter_threads', '1'],
  ...['-threads', String(decodeThreads(job)), '-f', 'mpegts', '-i', 'pipe:0'],
  ...job.renditions.flatMap((rendition, index) => outputArguments(rendition, index, job, ffmpeg)),
];

const outputArguments = (
  r: Rendition,
  index: number,
  job: EncodeJob,
  ffmpeg: FfmpegCapabilities,
): string[] => {
  const profile = r.profile ?? DEFAULT_PROFILE;
  return [
    ...['-map', '0:v:0'],
    ...[
      '-vf',
      `${job.deinterlace === 'frame' ? DEINTERLACE : ''}trim=start=${TRIM_START_SECONDS},scale=${r.widthPx}:${r.heightPx}`,
    ],
    ...(ffmpeg.hasFpsMode ? ['-fps_mode', 'passthrough'] : ['-vsync', '0']),
    ...[
      '-enc_time_base',
      '1:90000',
      '-c:v',
      'libx264',
      '-preset',
      r.preset ?? DEFAULT_PRESET,
      '-threads',
      String(encodeThreads(r, job.framesPerSecond)),
    ],
    ...['-bf', String(profile === 'baseline' ? 0 : MAX_CONSECUTIVE_B_FRAMES), '-crf', String(r.crf)],
    ...[
      '-maxrate',
      `${r.maxBitrateKbps}k`,
      '-bufsize',
      `${Math.ceil(bufferKbitOf(r) * SESSION_BUFFER_SHARE)}k`,
    ],
    ...['-profile:v', profile, '-level', avcLevelFor(r, job.framesPerSecond), '-pix_fmt', 'yuv420p'],
    // With a 90 kHz time base, x264 would take 90000 for the frame rate and freeze the picture under a VBV.
    ...['-x264-params', 'force-cfr=0'],
    ...['-g', '100000', '-keyint_min', '1', '-sc_threshold', '0', '-forced-idr', '1', '-flags', '+cgop'],
    ...['-force_key_frames', job.keyFrameTimes],
    ...['-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1'],
    ...['-f', 'mpegts', `pipe:${outputDescriptor(index)}`],
  ];
};
