import { open, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_CODEC,
  FEED_OFFSET_TICKS,
  TICKS_PER_SECOND,
  pixelsPerSecondOf,
  ticksToSeconds,
  type Rendition,
  type MeasuredCapacity,
  type Preset,
} from '../../../domain';
import { Deadline } from '../../../platform/deadline';
import { spawnConfined } from '../../../platform/processes/confined';
import { temporaryFolder } from '../../../platform/temporary-folder';
import { ffmpegArguments } from '../ffmpeg-arguments';
import type { FfmpegCapabilities } from '../ffmpeg-capabilities';
import { keyFrameList } from '../key-frame-list';
import { MEASURED_PRESETS, USUAL_PRESET, encodeCores, type Measurements, type MeasuredWork } from './cost';

const FRAMES_PER_SECOND = 25;
const GOP_TICKS = 2 * TICKS_PER_SECOND;
/** Below the priority of sessions: other hosts of the machine may be on air. */
const NICE = 5;
/** A run that takes longer than this is given up. */
const RUN_LIMIT_MS = 120_000;
/** Less than this can't be told from nothing. */
const LEAST_CORES = 0.0005;

interface Picture extends Rendition {
  /** Length of its clip: the smaller the picture, the more the start of ffmpeg would weigh. */
  seconds: number;
}

const picture = (
  name: string,
  [widthPx, heightPx]: [number, number],
  maxBitrateKbps: number,
  seconds: number,
): Picture => ({ name, widthPx, heightPx, maxBitrateKbps, crf: 24, seconds });

/** Sizes at which the default preset is measured, each from a contribution of that size. */
const PICTURES: readonly Picture[] = [
  picture('180p', [320, 180], 400, 4),
  picture('360p', [640, 360], 1_000, 2),
  picture('720p', [1280, 720], 4_000, 1),
  picture('1080p', [1920, 1080], 7_500, 1),
];
/** The size at which the other presets, and deinterlacing, are measured. */
const COMMON_SIZE = PICTURES[1]!;

/** All renditions that are tried. */
export const MEASURED_RENDITIONS = [
  ...PICTURES,
  ...MEASURED_PRESETS.filter((preset) => preset !== USUAL_PRESET).map((preset) => ({
    ...COMMON_SIZE,
    preset,
  })),
].map((rendition: Rendition) => ({ rendition, framesPerSecond: FRAMES_PER_SECOND }));

/**
 * Runs an ffmpeg at low priority, with a file as its input or none, and throws its output away.
 * @returns what it wrote to its log
 * @throws Error when it fails, or takes longer than RUN_LIMIT_MS
 */
const run = async (
  ffmpeg: FfmpegCapabilities,
  args: readonly string[],
  options: { input?: string; signal: AbortSignal },
): Promise<string> => {
  const { input } = options;
  const file = input === undefined ? null : await open(input, 'r');
  const deadline = new Deadline(RUN_LIMIT_MS, options.signal);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawnConfined(ffmpeg.path, args, {
        stdio: [file ? file.fd : 'ignore', 'ignore', 'pipe'],
        signal: deadline.signal,
        killSignal: 'SIGKILL',
      });
      let log = '';
      child.stderr!.on('data', (text: Buffer) => (log += text.toString('utf8')));
      child.on('spawn', () => lowerPriorityOf(child.pid));
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(log);
        else reject(new Error(`ffmpeg exited with ${code}: ${log.trim().split('\n').slice(-2).join(' | ')}`));
      });
    });
  } finally {
    deadline.end();
    await file?.close();
  }
};

const lowerPriorityOf = (pid: number | undefined): void => {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // It has ended, or may not: then it competes.
  }
};

/** CPU seconds, user and system, from what `-benchmark` prints. @throws Error where it printed nothing */
export const cpuSecondsIn = (log: string): number => {
  const found = /bench: utime=([\d.]+)s(?: stime=([\d.]+)s)?/.exec(log);
  if (!found) throw new Error('ffmpeg printed no CPU time');
  return Number(found[1]) + Number(found[2] ?? 0);
};

/** Has the CPU time printed; among the options of the last output, where the log level given before is overruled. */
const withCpuTime = (args: readonly string[]): string[] => [
  ...args.slice(0, -1),
  ...['-benchmark', '-loglevel', 'info'],
  ...args.slice(-1),
];

/** A moving picture with noise, as a contribution in the clock of a feed. */
const makeClip = async (
  ffmpeg: FfmpegCapabilities,
  { widthPx, heightPx, seconds }: Picture,
  options: { path: string; interlaced: boolean; signal: AbortSignal },
): Promise<void> => {
  const { path, interlaced, signal } = options;
  const args = [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', '-f', 'lavfi'],
    ...['-i', `testsrc2=size=${widthPx}x${heightPx}:rate=${FRAMES_PER_SECOND}:duration=${seconds}`],
    ...['-vf', 'noise=alls=4:allf=t', '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'superfast'],
    ...['-threads', '1', '-crf', '24', '-bf', '2'],
    ...(interlaced ? ['-flags', '+ilme+ildct', '-x264-params', 'tff=1'] : []),
    ...['-output_ts_offset', String(ticksToSeconds(FEED_OFFSET_TICKS)), '-muxdelay', '0', '-muxpreload', '0'],
    ...['-f', 'mpegts', path],
  ];
  await run(ffmpeg, args, { signal });
};

interface Clip {
  path: string;
  seconds: number;
}

/**
 * Measures what the ffmpeg of this host takes: a few seconds of a moving picture at each size, with the arguments of a
 * session. CPU time is what counts, not the time that passes, so that a busy machine makes it longer but not wrong.
 * Takes about 6 s of CPU time, at the lowest priority.
 * @throws Error when ffmpeg can't make the clip or encode it; whatever `signal` was aborted with
 */
export const measureHost = async (ffmpeg: FfmpegCapabilities, signal: AbortSignal): Promise<Measurements> => {
  const folder = await temporaryFolder('encoder-swarm-measure-');
  const clipOf = async (picture: Picture, interlaced = false): Promise<Clip> => {
    const path = join(folder, `${picture.name}${interlaced ? 'i' : ''}.ts`);
    await makeClip(ffmpeg, picture, { path, interlaced, signal });
    return { path, seconds: picture.seconds };
  };
  const coresOf = async ({ path, seconds }: Clip, args: readonly string[]): Promise<number> =>
    cpuSecondsIn(await run(ffmpeg, withCpuTime(args), { input: path, signal })) / seconds;
  const sessionArguments = (rendition: Rendition, deinterlace?: 'frame'): string[] =>
    ffmpegArguments(
      {
        gopDurationTicks: GOP_TICKS,
        renditions: [rendition],
        framesPerSecond: FRAMES_PER_SECOND,
        keyFrameTimes: keyFrameList(GOP_TICKS).list,
        deinterlace,
      },
      ffmpeg,
    );
  const decodeArguments = [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-copyts'],
    ...['-threads', '1', '-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v:0', '-f', 'null', '-'],
  ];
  try {
    const decodes: MeasuredWork[] = [];
    const encodes: Partial<Record<Preset, MeasuredWork[]>> = {};
    let common: { clip: Clip; decodeCores: number } | null = null;
    for (const picture of PICTURES) {
      const clip = await clipOf(picture);
      const decodeCores = await coresOf(clip, decodeArguments);
      const sessionCores = await coresOf(clip, sessionArguments(picture));
      decodes.push(workOf(picture, decodeCores));
      (encodes[USUAL_PRESET] ??= []).push(workOf(picture, sessionCores - decodeCores));
      if (picture === COMMON_SIZE) common = { clip, decodeCores };
    }
    const { clip, decodeCores } = common!;
    for (const preset of MEASURED_PRESETS) {
      if (preset === USUAL_PRESET) continue;
      const cores = await coresOf(clip, sessionArguments({ ...COMMON_SIZE, preset }));
      encodes[preset] = [workOf(COMMON_SIZE, cores - decodeCores)];
    }
    const fields = await clipOf(COMMON_SIZE, true);
    const deinterlacing =
      (await coresOf(fields, sessionArguments(COMMON_SIZE, 'frame'))) -
      (await coresOf(fields, sessionArguments(COMMON_SIZE)));
    return { encodes, decodes, deinterlaces: [workOf(COMMON_SIZE, deinterlacing)] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const workOf = (picture: Rendition, cores: number): MeasuredWork => ({
  pixelsPerSecond: pixelsPerSecondOf(picture, FRAMES_PER_SECOND),
  cores: Math.max(LEAST_CORES, cores),
});

/** Pixels that a core scales and encodes in a second, for each rendition that was tried. */
export const speedsOf = (measured: Measurements): MeasuredCapacity['speeds'] =>
  MEASURED_RENDITIONS.map(({ rendition, framesPerSecond }) => ({
    ...{ codec: DEFAULT_CODEC, preset: rendition.preset ?? USUAL_PRESET },
    ...{ widthPx: rendition.widthPx, heightPx: rendition.heightPx },
    pixelsPerCoreSecond:
      pixelsPerSecondOf(rendition, framesPerSecond) / encodeCores(rendition, framesPerSecond, measured),
  }));
