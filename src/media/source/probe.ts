import { open, stat } from 'node:fs/promises';
import { z } from 'zod';
import { SwarmError, redacted } from '../../domain';
import { runConfined } from '../../platform/processes/confined';
import { inItsOwnWords, withHiddenAddresses } from './hidden-addresses';
import { protocolArguments } from './input-policy';
import type { ProbedRates } from './steady-frame-rate';

/** A camera that wakes up, or a server that starts its stream when it is asked for, takes its time. */
const PROBE_TIMEOUT_MS = 30_000;
/** Media time, in microseconds, that ffmpeg may wait for to learn what a live stream holds; its default is 5 s. */
export const LIVE_ANALYSIS_ARGUMENTS = ['-analyzeduration', '2000000'];
/** ffmpeg names each tag of a playlist that it passes over: of a day of short segments, many. */
const PROBE_MOST_BYTES = 32 * 2 ** 20;
/** Tags that announce splices: those of RFC 8216 and SCTE 35, and what packagers used before. */
const PLAYLIST_MARK =
  /Skip \('#EXT-(X-CUE-OUT|X-DATERANGE:[^\n]*SCTE35|OATCLS-SCTE35|X-SCTE35|X-SPLICEPOINT)/;
/** How a list of files begins, in bytes enough. */
const HEAD_BYTES = 64;

const ratioSchema = z.string().default('0/0');

const probeSchema = z.object({
  programs: z
    .array(
      z.object({
        program_id: z.int().default(0),
        streams: z.array(z.object({ index: z.int() })).default([]),
      }),
    )
    .default([]),
  streams: z
    .array(
      z.object({
        index: z.int(),
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        codec_tag: z.string().optional(),
        width: z.int().default(0),
        height: z.int().default(0),
        sample_aspect_ratio: z.string().default('1:1'),
        pix_fmt: z.string().default('unknown'),
        color_transfer: z.string().default('unknown'),
        color_space: z.string().default('unknown'),
        color_range: z.string().default('unknown'),
        field_order: z.string().default('unknown'),
        r_frame_rate: ratioSchema,
        avg_frame_rate: ratioSchema,
        channels: z.int().default(0),
        sample_rate: z.coerce.number().default(0),
        disposition: z.object({ attached_pic: z.int().optional() }).optional(),
        tags: z
          .object({ language: z.string().optional(), variant_bitrate: z.coerce.number().optional() })
          .optional(),
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
      }),
    )
    .default([]),
  format: z.object({ format_name: z.string().default(''), duration: z.string().optional() }).optional(),
});
type FoundStream = z.infer<typeof probeSchema>['streams'][number];

/** A stream as ffprobe found it. */
export interface ProbedStream extends ProbedRates {
  index: number;
  /** `video` is moving pictures; `other` is what no channel can use, such as a cover. */
  kind: 'video' | 'audio' | 'data' | 'other';
  /** In ffmpeg's words; `unknown` if it does not know. */
  codec: string;
  /** 0 if it is no picture. */
  widthPx: number;
  heightPx: number;
  /** Width of a pixel by its height. */
  sampleAspect: number;
  rotationDegrees: number;
  pixelFormat: string;
  /** In ffmpeg's words; `unknown` if it does not say. */
  transfer: string;
  matrix: string;
  isFullRange: boolean;
  isInterlaced: boolean;
  /** 0 if it is no sound, or if nobody knows yet. */
  channels: number;
  sampleRateHz: number;
  language?: string;
  /** Of the HLS variant that it belongs to, bits per second; else 0. */
  variantBitrate: number;
}

/** What ffprobe found, as far as it matters here. There is at least one video stream. */
export interface ProbedInput {
  formatName: string;
  streams: ProbedStream[];
  /** Programmes of a multiplex, or variants of an HLS master, with the indices of their streams. */
  programmes: { number: number; members: number[] }[];
  /** It is a local list of other files or URLs. */
  list: ListKind | null;
  /** It has an end: it is looped at real-time pace. */
  finite: boolean;
  /** Its playlists announce splices, which ffmpeg passes over. */
  hasPlaylistMarks?: boolean;
}

export type ListKind = 'hls' | 'ffconcat';

export const refuseInput = (url: string, why: string): SwarmError =>
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

const kinds: Record<string, ProbedStream['kind']> = {
  video: 'video',
  audio: 'audio',
  data: 'data',
  subtitle: 'data',
};

/** ffmpeg's name for SCTE-35, and its stream type in a programme that does not register it, where ffmpeg has no name. */
export const SCTE_35 = 'scte_35';
const SCTE_35_TAG = '0x0086';

const streamOf = (s: FoundStream): ProbedStream => {
  const isUnnamedSplice = s.codec_name === undefined || s.codec_name === 'unknown';
  const isSplice = s.codec_name === SCTE_35 || (isUnnamedSplice && s.codec_tag === SCTE_35_TAG);
  const kind = isSplice ? 'data' : (kinds[s.codec_type ?? ''] ?? 'other');
  const isPicture = s.width > 0 && s.height > 0 && s.disposition?.attached_pic !== 1;
  const [num = 1, den = 1] = s.sample_aspect_ratio.split(':').map(Number);
  const language = s.tags?.language;
  return {
    index: s.index,
    kind: kind === 'video' && !isPicture ? 'other' : kind,
    codec: isSplice ? SCTE_35 : (s.codec_name ?? 'unknown'),
    widthPx: s.width,
    heightPx: s.height,
    sampleAspect: num > 0 && den > 0 ? num / den : 1,
    rotationDegrees: s.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0,
    pixelFormat: s.pix_fmt,
    transfer: s.color_transfer,
    matrix: s.color_space,
    isFullRange: s.color_range === 'pc' || s.pix_fmt.startsWith('yuvj'),
    isInterlaced: ['tt', 'bb', 'tb', 'bt'].includes(s.field_order),
    baseRate: s.r_frame_rate,
    averageRate: s.avg_frame_rate,
    channels: s.channels,
    sampleRateHz: s.sample_rate,
    ...(language !== undefined && language !== 'und' && { language }),
    variantBitrate: s.tags?.variant_bitrate ?? 0,
  };
};

/** ffmpeg arguments before an input; whoever names a local list may name what stands in it. */
export const demuxerArguments = (url: string, list: ListKind | null): string[] => [
  ...(list === 'ffconcat' ? ['-f', 'concat', '-safe', '0'] : []),
  ...protocolArguments(url, list !== null),
];

export const pathOf = (url: string): string => url.replace(/^file:/, '');

export const isRegularFile = async (url: string): Promise<boolean> => {
  try {
    return (await stat(pathOf(url))).isFile();
  } catch {
    return false;
  }
};

const listKindOf = async (path: string): Promise<ListKind | null> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
    if (head.startsWith('#EXTM3U')) return 'hls';
    return head.startsWith('ffconcat version') ? 'ffconcat' : null;
  } finally {
    await file.close();
  }
};

/** What ffprobe is asked for, so that `probedFrom` understands it. */
export const PROBE_ENTRIES =
  'format=format_name,duration:program=program_id:program_stream=index' +
  ':stream=index,codec_type,codec_name,codec_tag,width,height,sample_aspect_ratio,pix_fmt,color_transfer,field_order' +
  ',color_space,color_range,r_frame_rate,avg_frame_rate,channels,sample_rate:stream_disposition=attached_pic' +
  ':stream_tags=language,variant_bitrate:stream_side_data=rotation';

/** The last line that tells of a fault, without its level. */
const lastFault = (said: string): string =>
  said
    .split('\n')
    .filter((line) => /\[(error|fatal|panic)\] /.test(line))
    .at(-1)
    ?.replace(/\[(error|fatal|panic)\] /, '')
    .trim() ?? '';

const runProbe = async (
  ffprobe: string,
  url: string,
  how: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ answer: unknown; hasPlaylistMarks: boolean }> => {
  const args = ['-v', 'level+verbose', ...how, '-show_entries', PROBE_ENTRIES, '-of', 'json', '-i', url];
  try {
    const { stdout, stderr } = await runConfined(ffprobe, withHiddenAddresses(args), {
      network: true,
      timeout: PROBE_TIMEOUT_MS,
      signal,
      maxBuffer: PROBE_MOST_BYTES,
    });
    return { answer: JSON.parse(stdout), hasPlaylistMarks: PLAYLIST_MARK.test(stderr) };
  } catch (error) {
    const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
    if (code === 'ENOENT')
      throw new SwarmError('unavailable', `${ffprobe} is not there.`, 'Install ffmpeg or set FFPROBE.');
    if (signal?.aborted) throw refuseInput(url, 'it is no longer asked for.');
    if (killed) throw refuseInput(url, `it could not be opened within ${PROBE_TIMEOUT_MS / 1000} s.`);
    throw refuseInput(url, `ffprobe says "${inItsOwnWords(lastFault(stderr ?? ''), redacted(url))}".`);
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
  const isFile = await isRegularFile(url);
  const list = isFile ? await listKindOf(pathOf(url)) : null;
  const how = [...(isFile ? [] : LIVE_ANALYSIS_ARGUMENTS), ...demuxerArguments(url, list)];
  const { answer, hasPlaylistMarks } = await runProbe(ffprobe, url, how, signal);
  const probed = probedFrom(answer, url, {
    list,
    // A playlist may be that of something live.
    finite: (durationSeconds) => durationSeconds > 0 || (isFile && list !== 'hls'),
  });
  return { ...probed, ...(hasPlaylistMarks && { hasPlaylistMarks }) };
};

/**
 * What ffprobe has answered.
 * @param finite whether an input of that duration has an end
 * @throws SwarmError input-not-video
 */
export const probedFrom = (
  answer: unknown,
  url: string,
  { list, finite }: { list: ListKind | null; finite: (durationSeconds: number) => boolean },
): ProbedInput => {
  const parsed = probeSchema.safeParse(answer);
  if (!parsed.success) throw refuseInput(url, 'ffprobe describes it in a way that is not understood.');
  const { streams, programs, format } = parsed.data;
  const found = streams.map(streamOf);
  if (!found.some((s) => s.kind === 'video')) {
    const names = streams.map((s) => `${s.codec_type ?? 'unknown'} (${s.codec_name ?? 'unknown'})`);
    throw refuseInput(url, `it holds ${names.length > 0 ? names.join(', ') : 'no streams'}.`);
  }
  const formatName = format?.format_name ?? '';
  if (!isMovingPicture(formatName)) throw refuseInput(url, `it is a still picture or text (${formatName}).`);
  return {
    formatName,
    streams: found,
    programmes: programs.map((p) => ({
      number: p.program_id,
      members: p.streams.map(({ index }) => index),
    })),
    list,
    finite: finite(Number(format?.duration)),
  };
};
