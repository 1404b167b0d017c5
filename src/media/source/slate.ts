import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SwarmError, rateForFfmpeg, redacted, type UrlInput } from '../../domain';
import { makeDirectoryDurably, replaceFile } from '../../platform/durable-file';
import { FfmpegProcess } from './ffmpeg-process';
import { inItsOwnWords } from './hidden-addresses';
import { framesPerGop } from './input-arguments';
import { protocolArguments } from './input-policy';
import type { SourceChannelSpec } from './kept-channel';
import { pathOf } from './probe';

/** Encoders give each rendition its own size; this is what is never enlarged by much. */
const WIDTH_PX = 1280;
const HEIGHT_PX = 720;
/** Of a film as much is shown, again and again. */
const FILM_SECONDS = 20;
/** As short as what is kept in memory, so that it is opened once. */
const STILL_SECONDS = 4;
const MAKING_LIMIT_MS = 60_000;
const MOST_BYTES = 32 * 2 ** 20;
const IMAGE = /\.(png|jpe?g|webp|bmp|tiff?)$/i;
const SILENCE = ['-f', 'lavfi', '-i', 'anullsrc=r=48000:cl=stereo'];

const pictureArguments = (slate: 'plain' | UrlInput, rate: string): string[] => {
  if (slate === 'plain')
    return ['-f', 'lavfi', '-i', `color=c=0x303438:s=${WIDTH_PX}x${HEIGHT_PX}:r=${rate}`];
  const protocols = protocolArguments(slate.url, false);
  return IMAGE.test(slate.url)
    ? [...protocols, '-f', 'image2', '-loop', '1', '-framerate', rate, '-i', pathOf(slate.url)]
    : [...protocols, '-i', slate.url];
};

const argumentsFor = (slate: 'plain' | UrlInput, spec: SourceChannelSpec): string[] => {
  const rate = rateForFfmpeg(spec.framesPerSecond);
  const isFilm = slate !== 'plain' && !IMAGE.test(slate.url);
  const keyframes = Math.max(1, Math.round(framesPerGop(spec) / 2));
  const filters = [
    `scale=${WIDTH_PX}:${HEIGHT_PX}:force_original_aspect_ratio=decrease`,
    `pad=${WIDTH_PX}:${HEIGHT_PX}:-1:-1,setsar=1,fps=${rate},format=yuv420p`,
  ];
  return [
    ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error'],
    ...[...pictureArguments(slate, rate), ...SILENCE, '-map', '0:v:0', '-map', '1:a:0', '-shortest'],
    ...['-t', `${isFilm ? FILM_SECONDS : STILL_SECONDS}`, '-vf', filters.join()],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '20', '-bf', '0'],
    ...['-g', `${keyframes}`, '-keyint_min', `${keyframes}`, '-sc_threshold', '0', '-threads:v', '1'],
    ...['-c:a', 'aac', '-b:a', '96k', '-muxdelay', '0', '-muxpreload', '0'],
    ...['-omit_video_pes_length', '0', '-f', 'mpegts', 'pipe:1'],
  ];
};

/** Of a file it matters when it was changed last. */
const nameOf = async (slate: 'plain' | UrlInput, args: readonly string[]): Promise<string> => {
  const changed = slate === 'plain' ? null : await stat(pathOf(slate.url)).catch(() => null);
  return createHash('sha256')
    .update(JSON.stringify([args, changed?.mtimeMs ?? 0]))
    .digest('hex')
    .slice(0, 32);
};

const made = async (
  ffmpegPath: string,
  args: readonly string[],
  told: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> => {
  const ffmpeg = new FfmpegProcess(ffmpegPath, args);
  const giveUp = (): void => void ffmpeg.end();
  signal?.addEventListener('abort', giveUp, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  ffmpeg.output.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_BYTES) void ffmpeg.end();
  });
  const limit = setTimeout(() => void ffmpeg.end(), MAKING_LIMIT_MS);
  const code = await ffmpeg.exited;
  clearTimeout(limit);
  signal?.removeEventListener('abort', giveUp);
  if (code === 0 && bytes > 0) return Buffer.concat(chunks);
  throw new SwarmError(
    'input-not-video',
    `The slate ${told} can't be shown: ffmpeg says "${inItsOwnWords(ffmpeg.lastWords, told)}".`,
    'Give a film or an image that ffmpeg reads.',
  );
};

/** Two channels may want the same one. */
const making = new Map<string, Promise<string>>();

const slatesFolder = (stateDir: string): string => join(stateDir, 'source', 'slates');

/** Removes what was made of slates that no channel has any more. Never throws: the next one finds what is left. */
export const forgetSlatesBut = async (
  kept: readonly SourceChannelSpec[],
  stateDir: string,
): Promise<void> => {
  const folder = slatesFolder(stateDir);
  const found = await readdir(folder).catch((): string[] => []);
  if (found.length === 0) return;
  const wanted = new Set(
    await Promise.all(
      kept.flatMap((spec) => {
        const slate = spec.standby?.slate;
        return slate === undefined ? [] : [nameOf(slate, argumentsFor(slate, spec))];
      }),
    ),
  );
  const gone = found.map((name) => join(folder, name)).filter((path) => !making.has(path));
  await Promise.all(
    gone
      .filter((path) => !wanted.has(basename(path, '.ts')))
      .map((path) => rm(path, { force: true }).catch(() => undefined)),
  );
};

/**
 * A slate as the source brings it: of the channel's rate, with silence, as a file that is made once.
 * @returns its path
 * @throws SwarmError input-not-video
 */
export const slateFile = async (
  slate: 'plain' | UrlInput,
  spec: SourceChannelSpec,
  { ffmpeg, stateDir }: { ffmpeg: string; stateDir: string },
  signal?: AbortSignal,
): Promise<string> => {
  const args = argumentsFor(slate, spec);
  const folder = slatesFolder(stateDir);
  const path = join(folder, `${await nameOf(slate, args)}.ts`);
  if (await stat(path).catch(() => null)) return path;
  const known = making.get(path);
  if (known) return known;
  const make = async (): Promise<string> => {
    const film = await made(ffmpeg, args, slate === 'plain' ? slate : redacted(slate.url), signal);
    await makeDirectoryDurably(folder);
    await replaceFile(path, film);
    return path;
  };
  const fresh = make().finally(() => making.delete(path));
  making.set(path, fresh);
  return fresh;
};
