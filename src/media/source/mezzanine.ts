import type { SourceSpec } from '../../contracts/source';
import { framesIn, rateForFfmpeg, ticksToSeconds } from '../../domain';
import { LIVE_ANALYSIS_ARGUMENTS, type ProbedInput } from './probe';

/** Pictures per GOP; a fraction where the GOP is not a whole number of pictures. */
export const framesPerGop = (spec: Pick<SourceSpec, 'framesPerSecond' | 'gopDurationTicks'>): number =>
  framesIn(spec.framesPerSecond, spec.gopDurationTicks);

/** A keyframe at the start of each GOP, and as good as nowhere else. */
const keyframeArguments = (spec: SourceSpec): string[] => {
  const frames = framesPerGop(spec);
  if (Number.isInteger(frames)) return ['-g', `${frames}`, '-keyint_min', `${frames}`];
  // Half a millisecond of slack, as t is rounded.
  const expression = `expr:gte(t+0.0005,n_forced*${ticksToSeconds(spec.gopDurationTicks)})`;
  return ['-g', '100000', '-force_key_frames', expression];
};

/**
 * Cheap, of high quality and without delay. The muxer announces the length of each picture, so that the relay
 * passes it on without waiting for the next.
 */
const outputArguments = (spec: SourceSpec): string[] => [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '16', '-bf', '0'],
  ...['-threads:v', '1', '-sc_threshold', '0', '-forced-idr', '1'],
  ...keyframeArguments(spec),
  ...['-f', 'mpegts', '-omit_video_pes_length', '0', '-muxdelay', '0', '-muxpreload', '0'],
  ...['-flush_packets', '1', 'pipe:1'],
];

/** ffmpeg arguments that encode raw pictures from standard input. */
export const generatedArguments = (spec: SourceSpec, widthPx: number, heightPx: number): string[] => [
  ...['-hide_banner', '-nostats', '-v', 'error', '-probesize', '32', '-f', 'rawvideo'],
  ...['-pix_fmt', 'yuv420p', '-s', `${widthPx}x${heightPx}`, '-r', rateForFfmpeg(spec.framesPerSecond)],
  ...['-i', 'pipe:0', '-vsync', 'passthrough', ...outputArguments(spec)],
];

/**
 * ffmpeg arguments that bring any input to the channel's frame rate, size and pixel format, at real-time pace.
 * Progress goes to descriptor 3.
 */
export const inputArguments = (spec: SourceSpec, url: string, input: ProbedInput): string[] => {
  const { widthPx, heightPx } = input.mezzanine;
  const filters = `fps=${rateForFfmpeg(spec.framesPerSecond)},scale=${widthPx}:${heightPx},setsar=1,format=yuv420p`;
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error', '-progress', 'pipe:3'],
    ...(input.finite ? ['-re', '-stream_loop', '-1'] : LIVE_ANALYSIS_ARGUMENTS),
    ...['-i', url, '-map', `0:${input.videoIndex}`],
    ...(input.audioIndex === undefined ? [] : ['-map', `0:${input.audioIndex}`, '-c:a', 'copy']),
    ...['-vf', filters, ...outputArguments(spec)],
  ];
};
