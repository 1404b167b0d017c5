import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { SwarmError } from '../../domain';

const execute = promisify(execFile);

/** A camera that wakes up, or a server that starts its stream when it is asked for, takes its time. */
const PROBE_TIMEOUT_MS = 30_000;
/** Media time, in microseconds, that ffmpeg may wait for to learn what a live stream holds; its default is 5 s. */
export const LIVE_ANALYSIS_ARGUMENTS = ['-analyzeduration', '2000000'];
const MEZZANINE_MAX_WIDTH_PX = 640;
const MEZZANINE_MAX_HEIGHT_PX = 360;

/** Audio that MPEG-TS carries and every encoder can copy. */
const carriedAudio = new Set(['aac', 'mp2', 'mp3', 'ac3', 'eac3']);

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        index: z.int(),
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        width: z.int().optional(),
        height: z.int().optional(),
        sample_aspect_ratio: z.string().optional(),
        disposition: z.object({ attached_pic: z.int().optional() }).optional(),
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
      }),
    )
    .default([]),
  format: z.object({ format_name: z.string().default(''), duration: z.string().optional() }).optional(),
});
type ProbedStream = z.infer<typeof probeSchema>['streams'][number];

/** What ffprobe found, as far as it matters here. */
export interface ProbedInput {
  videoIndex: number;
  /** First audio stream that can be carried by copy. */
  audioIndex?: number;
  /** Codecs of audio streams that can't be carried. */
  droppedAudio: string[];
  /** It has an end: it is looped at real-time pace. */
  finite: boolean;
  /** Size of the contribution's picture: even, square pixels, at most 640x360. */
  mezzanine: { widthPx: number; heightPx: number };
}

const refuse = (url: string, why: string): SwarmError =>
  new SwarmError(
    'input-not-video',
    `The input ${url} is not video: ${why}`,
    'Give a file or live URL that ffmpeg reads and that holds moving pictures.',
  );

/** ffmpeg reads single images and plain text ("tty") as video too; a channel of those is a mistake. */
const isMovingPicture = (formatName: string): boolean =>
  !formatName
    .split(',')
    .some((name) => name === 'tty' || name.startsWith('image2') || name.endsWith('_pipe'));

const evenAtLeast16 = (pixels: number): number => Math.max(16, 2 * Math.round(pixels / 2));

/** Fits the picture, as it is to be shown (aspect ratio of its pixels, rotation), into the mezzanine's limits. */
const mezzanineSize = (stream: ProbedStream, widthPx: number, heightPx: number) => {
  const [num = 1, den = 1] = (stream.sample_aspect_ratio ?? '1:1').split(':').map(Number);
  const shownWidth = num > 0 && den > 0 ? (widthPx * num) / den : widthPx;
  const rotation = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const onItsSide = Math.abs(Math.round(rotation / 90)) % 2 === 1;
  const [width, height] = onItsSide ? [heightPx, shownWidth] : [shownWidth, heightPx];
  const scale = Math.min(1, MEZZANINE_MAX_WIDTH_PX / width, MEZZANINE_MAX_HEIGHT_PX / height);
  return { widthPx: evenAtLeast16(width * scale), heightPx: evenAtLeast16(height * scale) };
};

const isRegularFile = async (url: string): Promise<boolean> => {
  try {
    return (await stat(url.replace(/^file:/, ''))).isFile();
  } catch {
    return false;
  }
};

const runProbe = async (ffprobe: string, url: string, signal: AbortSignal | undefined): Promise<unknown> => {
  const entries =
    'format=format_name,duration:stream=index,codec_type,codec_name,width,height,sample_aspect_ratio' +
    ':stream_disposition=attached_pic:stream_side_data=rotation';
  const analysis = (await isRegularFile(url)) ? [] : LIVE_ANALYSIS_ARGUMENTS;
  const args = ['-v', 'error', ...analysis, '-show_entries', entries, '-of', 'json', '-i', url];
  try {
    const { stdout } = await execute(ffprobe, args, {
      timeout: PROBE_TIMEOUT_MS,
      signal,
      maxBuffer: 4 * 1024 * 1024,
    });
    return JSON.parse(stdout);
  } catch (error) {
    const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
    if (code === 'ENOENT')
      throw new SwarmError('unavailable', `${ffprobe} is not there.`, 'Install ffmpeg or set FFPROBE.');
    if (signal?.aborted) throw refuse(url, 'it is no longer asked for.');
    if (killed) throw refuse(url, `it could not be opened within ${PROBE_TIMEOUT_MS / 1000} s.`);
    throw refuse(url, `ffprobe says "${(stderr ?? '').trim().split('\n').at(-1)}".`);
  }
};

/**
 * Looks at an input without decoding it, for as long as a slow one takes, or until the signal is aborted.
 * @throws SwarmError input-not-video with ffprobe's words; unavailable without ffprobe
 */
export const probeInput = async (
  ffprobe: string,
  url: string,
  signal?: AbortSignal,
): Promise<ProbedInput> => {
  const parsed = probeSchema.safeParse(await runProbe(ffprobe, url, signal));
  if (!parsed.success) throw refuse(url, 'ffprobe describes it in a way that is not understood.');
  const { streams, format } = parsed.data;
  const video = streams.find((s) => s.codec_type === 'video' && s.disposition?.attached_pic !== 1);
  if (!video?.width || !video.height) {
    const found = streams.map((s) => `${s.codec_type ?? 'unknown'} (${s.codec_name ?? 'unknown'})`);
    throw refuse(url, `it holds ${found.length > 0 ? found.join(', ') : 'no streams'}.`);
  }
  if (!isMovingPicture(format?.format_name ?? ''))
    throw refuse(url, `it is a still picture or text (${format?.format_name}).`);
  const audio = streams.filter((s) => s.codec_type === 'audio');
  const carried = audio.find((s) => carriedAudio.has(s.codec_name ?? ''));
  return {
    videoIndex: video.index,
    ...(carried && { audioIndex: carried.index }),
    droppedAudio: carried ? [] : audio.map((s) => s.codec_name ?? 'unknown'),
    finite: Number(format?.duration) > 0 || (await isRegularFile(url)),
    mezzanine: mezzanineSize(video, video.width, video.height),
  };
};
