import {
  bufferKbitOf,
  ladderUnits,
  type Deinterlace,
  type FrameRate,
  type Rendition,
  type X264Preset,
} from '../../domain';
import { avcLevelFor } from './avc-level';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';
import { shapeFilters } from './picture-shape';

/** Feed time just before the first GOP asked for (FEED_OFFSET_TICKS is 100 s): earlier frames only feed the decoder. */
const TRIM_START_SECONDS = '99.999995';
/**
 * Measured live at 320x180, 25 frames/s: 2.5 % of a core a rendition, where veryfast takes 3.3 % for 60 % of the
 * bits. It also does without lookahead, so that a GOP is out 120 ms earlier.
 */
const DEFAULT_PRESET = 'superfast';
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
/** Encode units (see domain/channel.ts) that one thread keeps up with at ease. */
const UNITS_PER_THREAD = 16;

/** Frames that are held back before the first comes out: by reordering, lookahead, and one each in decoder and muxer. */
export const encoderDelayFrames = (renditions: readonly Rendition[]): number =>
  Math.max(...renditions.map((r) => LOOKAHEAD_FRAMES[r.preset ?? DEFAULT_PRESET])) +
  MAX_CONSECUTIVE_B_FRAMES +
  2;

export interface EncodeJob {
  renditions: readonly Rendition[];
  framesPerSecond: FrameRate;
  deinterlace?: Deinterlace | undefined;
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
  ...['-threads', '1', '-f', 'mpegts', '-i', 'pipe:0'],
  ...job.renditions.flatMap((rendition, index) => outputArguments(rendition, index, job, ffmpeg)),
];

const outputArguments = (
  r: Rendition,
  index: number,
  job: EncodeJob,
  ffmpeg: FfmpegCapabilities,
): string[] => {
  const threads = Math.min(8, Math.ceil(ladderUnits([r], job.framesPerSecond) / UNITS_PER_THREAD));
  const profile = r.profile ?? DEFAULT_PROFILE;
  return [
    ...['-map', '0:v:0'],
    ...[
      '-vf',
      `${job.deinterlace === 'frame' ? DEINTERLACE : ''}trim=start=${TRIM_START_SECONDS},${shapeFilters(r)}`,
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
      String(threads),
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
