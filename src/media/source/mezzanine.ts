import type { SourceSpec } from '../../contracts/source';
import { framesIn, rateForFfmpeg, ticksToSeconds } from '../../domain';
import type { InputPlan } from './input-plan';
import { LIVE_ANALYSIS_ARGUMENTS } from './probe';

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

const MEZZANINE_MAX_WIDTH_PX = 640;
const MEZZANINE_MAX_HEIGHT_PX = 360;

const mezzanineSize = ({ shownWidthPx: width, shownHeightPx: height }: InputPlan['video']) => {
  const scale = Math.min(1, MEZZANINE_MAX_WIDTH_PX / width, MEZZANINE_MAX_HEIGHT_PX / height);
  const evenAtLeast16 = (pixels: number): number => Math.max(16, 2 * Math.round(pixels / 2));
  return { widthPx: evenAtLeast16(width * scale), heightPx: evenAtLeast16(height * scale) };
};

/**
 * ffmpeg arguments that bring any input to the channel's frame rate, size and pixel format, at real-time pace.
 * Progress goes to descriptor 3.
 */
export const inputArguments = (spec: SourceSpec, url: string, input: InputPlan): string[] => {
  const { widthPx, heightPx } = mezzanineSize(input.video);
  const filters = `fps=${rateForFfmpeg(spec.framesPerSecond)},scale=${widthPx}:${heightPx},setsar=1,format=yuv420p`;
  const audio = input.audio.find((track) => track.carried === 'as-is');
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error', '-progress', 'pipe:3'],
    ...(input.finite ? ['-re', '-stream_loop', '-1'] : LIVE_ANALYSIS_ARGUMENTS),
    ...['-i', url, '-map', `0:${input.video.index}`],
    ...(audio ? ['-map', `0:${audio.index}`, '-c:a', 'copy'] : []),
    ...['-vf', filters, ...outputArguments(spec)],
  ];
};
