import { ticksOf, rateForFfmpeg, type FrameRate } from '../../domain';
import {
  STREAM_TYPE_H264,
  STREAM_TYPE_HEVC,
  STREAM_TYPE_MPEG1_VIDEO,
  STREAM_TYPE_MPEG2_VIDEO,
  TransportStreamReader,
  type PesUnit,
} from '../mpegts';
import { FfmpegProcess } from './ffmpeg-process';
import type { StillPicture } from './programme-joiner';

/** A keyframe of the input and all pictures since, with its tables in front. */
export interface PictureGroup {
  tables: Buffer;
  pictures: PesUnit[];
}

/** Its pictures are repeated after so many; the first of them is a keyframe. */
const LOOP_PICTURES = 25;
/** A decoder may give fewer pictures than it was given, where the first ones refer to what is not there. */
const SPARE_PICTURES = 6;
const MAKING_LIMIT_MS = 10_000;

/** Encoders, by what the input is: what stands in must not change the kind of stream. */
const idr = ['-sc_threshold', '0', '-forced-idr', '1'];
const encoders: Record<number, string[]> = {
  [STREAM_TYPE_H264]: ['libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '14', ...idr],
  [STREAM_TYPE_HEVC]: [
    ...['libx265', '-preset', 'ultrafast', '-crf', '14', ...idr, '-x265-params'],
    'log-level=error:bframes=0:repeat-headers=1:rc-lookahead=0:frame-threads=1',
  ],
  [STREAM_TYPE_MPEG2_VIDEO]: ['mpeg2video', '-q:v', '2'],
  [STREAM_TYPE_MPEG1_VIDEO]: ['mpeg1video', '-q:v', '2'],
};

/** The last pictures of the input, the last of all again and again, the first ones and it as keyframes. */
const argumentsFor = (encoder: readonly string[], pictures: number, rate: FrameRate): string[] => {
  const framesPerSecond = rateForFfmpeg(rate);
  const filters = [
    `select=gte(n\\,${Math.max(0, pictures - SPARE_PICTURES)})`,
    'bwdif=mode=send_frame:deint=interlaced',
    `setpts=N/(${framesPerSecond}*TB)`,
    `fps=${framesPerSecond}`,
    `tpad=stop_mode=clone:stop=${LOOP_PICTURES}`,
  ];
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error'],
    ...['-threads', '1', '-f', 'mpegts', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-vf', filters.join(), '-c:v', ...encoder, '-bf', '0', '-g', '100000'],
    ...['-threads:v', '1', '-force_key_frames', `expr:lte(n,${SPARE_PICTURES})`],
    ...['-f', 'mpegts', '-muxdelay', '0', '-muxpreload', '0', '-omit_video_pes_length', '0', 'pipe:1'],
  ];
};

/**
 * The last picture of a group, as long as wanted: of the same codec, size, depth and colours.
 * @returns null where ffmpeg can't make it
 */
export const makeStillPicture = async (
  ffmpegPath: string,
  { tables, pictures }: PictureGroup,
  rate: FrameRate,
): Promise<StillPicture | null> => {
  const encoder = encoders[pictures[0]?.streamType ?? 0];
  if (!encoder) return null;
  const made: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => made.push(unit) });
  const ffmpeg = new FfmpegProcess(ffmpegPath, argumentsFor(encoder, pictures.length, rate), { input: true });
  const limit = setTimeout(() => void ffmpeg.end(), MAKING_LIMIT_MS);
  ffmpeg.output.on('data', (chunk: Buffer) => reader.push(chunk));
  ffmpeg.input!.end(Buffer.concat([tables, ...pictures.map(({ packets }) => packets)]));
  const code = await ffmpeg.exited;
  clearTimeout(limit);
  reader.flush();
  const loop = made.slice(SPARE_PICTURES, SPARE_PICTURES + LOOP_PICTURES);
  return code === 0 && loop[0]?.keyframe ? looped(loop, ticksOf(1, rate)) : null;
};

const looped = (units: readonly PesUnit[], frameTicks: number): StillPicture => {
  let next = 0;
  return {
    frameTicks,
    next: () => {
      const unit = units[next]!;
      next = (next + 1) % units.length;
      return { ...unit, packets: Buffer.from(unit.packets) };
    },
  };
};
