import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  FEED_OFFSET_TICKS,
  SwarmError,
  ticksToSeconds,
  type Deinterlace,
  type Rendition,
} from '../../domain';
import { letConfinedRead, runConfined } from '../../platform/processes/confined';
import { temporaryFolder } from '../../platform/temporary-folder';
import { deinterlaceFilter, shapeFilters } from '../encoder/picture-shape';

/** Half a microsecond's worth below a frame's time, so that rounding does not cut it off. */
const SLACK_SECONDS = 0.000_005;

/**
 * Structural similarity (Wang et al. 2004, ffmpeg's `ssim`: mean over all frames and planes, in [0, 1]) of encoded
 * segments to the input that they were made of.
 * @param input see readInputGop
 * @param segments of the same GOP and rendition
 * @param ffmpegPath the program that decodes and compares
 * @returns one number per segment
 * @throws SwarmError malformed-segment: they can't be compared; timeout
 */
export const ssimOf = async (options: {
  input: Buffer;
  segments: readonly Buffer[];
  rendition: Rendition;
  deinterlace?: Deinterlace | undefined;
  gopDurationTicks: number;
  ffmpegPath: string;
  signal: AbortSignal;
}): Promise<number[]> => {
  const { segments, rendition, signal } = options;
  const folder = await temporaryFolder('encoder-swarm-ssim-');
  try {
    const paths = [options.input, ...segments].map((_, i) => join(folder, `${i}.ts`));
    await Promise.all([options.input, ...segments].map((bytes, i) => writeFile(paths[i]!, bytes)));
    await letConfinedRead(folder, paths);
    const startSeconds = ticksToSeconds(FEED_OFFSET_TICKS);
    const endSeconds = startSeconds + ticksToSeconds(options.gopDurationTicks);
    const bounds = `start=${startSeconds - SLACK_SECONDS}:end=${endSeconds - SLACK_SECONDS}`;
    const size = `${shapeFilters(rendition)},format=yuv420p`;
    const copies = segments.map((_, i) => `[in${i}]`).join('');
    const graph = [
      `[0:v]${deinterlaceFilter(options.deinterlace)}trim=${bounds},setpts=PTS-STARTPTS,${size},split=${segments.length}${copies}`,
      ...segments.map((_, i) => `[${i + 1}:v]setpts=PTS-STARTPTS[out${i}]`),
      ...segments.map((_, i) => `[out${i}][in${i}]ssim@s${i}`),
    ].join(';');
    const args = [
      ...['-hide_banner', '-nostdin', '-nostats', '-v', 'info', '-copyts', '-filter_complex_threads', '1'],
      ...paths.flatMap((path) => ['-threads', '1', '-f', 'mpegts', '-i', path]),
      ...['-filter_complex', graph, '-f', 'null', '-'],
    ];
    const { stderr } = await runConfined(options.ffmpegPath, args, { signal, maxBuffer: 4 * 1024 * 1024 });
    return segments.map((_, i) => {
      const found = new RegExp(`\\[ssim@s${i} @ [^\\]]+\\] SSIM .*All:([0-9.]+|inf|nan)`).exec(stderr)?.[1];
      const ssim = Number(found);
      if (Number.isFinite(ssim)) return ssim;
      throw new SwarmError('malformed-segment', `ffmpeg compared nothing: ${stderr.slice(-500)}`);
    });
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    if (signal.aborted) throw new SwarmError('timeout', 'The segments were not compared in time.');
    throw new SwarmError('malformed-segment', `The segments can't be compared: ${(error as Error).message}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
