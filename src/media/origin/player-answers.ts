import { pipeline } from 'node:stream/promises';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { SwarmError, httpStatusOf, ticksToSeconds } from '../../domain';
import { directives } from './blocking-reload';
import type { AskedPlaylist, FoundMedia } from './listed-media';
import type { PlaylistAnswers } from './playlist-answers';
import { wholeNumberSchema } from './records';

/** What all answers to players have in common: who may read them, and what caches may keep of them. */

/** Query of a playlist or manifest. */
export const windowQuery = z.object({
  window_s: wholeNumberSchema.pipe(z.int().min(1).max(86_400)).default(60),
});

/** Of an HLS playlist. `cues=1`: EXT-X-CUE-OUT and EXT-X-CUE-IN beside EXT-X-DATERANGE. */
export const cuesOfQuery = z.object({
  cues: z
    .enum(['0', '1'])
    .default('0')
    .transform((text) => text === '1'),
});
export const mediaQuery = windowQuery.extend(cuesOfQuery.shape).extend(directives);

/** What a media playlist's query asks for. */
export const askedOf = ({ window_s, cues, _HLS_skip }: z.infer<typeof mediaQuery>): AskedPlaylist => ({
  ...{ windowMs: window_s * 1000, withCues: cues, skip: _HLS_skip !== undefined },
});

const MAX_SEGMENT_AGE_S = 3_600;
/** A segment that is not there yet may be asked for by many at once: a cache answers them, for a second. */
const NOT_FOUND_AGE_S = 1;
/** A player with a playlist of some time ago asks again; one that gets an error may give up. */
const STALE_PLAYLIST_AGE_S = 60;
/** A player that takes longer for a segment can't show it live: its file and connection are given back. */
const SEGMENT_DEADLINE_MS = 60_000;

/** Pages of any site may read. */
export const forAnyPage: RequestHandler = (req, res, next) => {
  res.set('access-control-allow-origin', '*');
  res.set('access-control-expose-headers', 'content-length, content-range, date, etag');
  if (req.method !== 'OPTIONS') {
    next();
    return;
  }
  res.set({ 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' });
  res.set('access-control-max-age', '86400').status(204).end();
};

/** What is not there now may be there in a moment: no cache may keep that for longer (others: foundOrComing, http.ts). */
export const missingForASecond: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  const isMissing = error instanceof SwarmError && httpStatusOf[error.code] === 404;
  if (isMissing && !res.hasHeader('cache-control'))
    res.set('cache-control', `public, max-age=${NOT_FOUND_AGE_S}`);
  next(error);
};

/**
 * Finds media of a GOP. That it is not there yet is kept by no cache: its name can be foretold, so that whoever asks too
 * early would have a cache refuse all others when they ask in time.
 */
export const foundOrComing = async <T>(
  res: Response,
  isComing: () => boolean,
  find: () => T | Promise<T>,
): Promise<T> => {
  try {
    return await find();
  } catch (error) {
    if (isComing()) res.set('cache-control', 'no-store');
    throw error;
  }
};

/**
 * How long a playlist may be kept (RFC 9111; stale-if-error: RFC 5861). A player asks again each time; a shared cache
 * answers for half a GOP, at least the one second that a header can tell, and with what it has while the origin is away.
 */
const playlistCaching = (gopSeconds: number): string =>
  [
    ...['public', 'max-age=0', `s-maxage=${Math.max(1, Math.floor(gopSeconds / 2))}`],
    `stale-if-error=${STALE_PLAYLIST_AGE_S}`,
  ].join(', ');

export const HLS_TYPE = 'application/vnd.apple.mpegurl';
export const DASH_TYPE = 'application/dash+xml';

/** Sends a playlist or manifest; unchanged: 304. */
export const sendPlaylist = async (
  res: Response,
  { gopDurationTicks }: { gopDurationTicks: number },
  answers: PlaylistAnswers,
  text: string,
  type: typeof HLS_TYPE | typeof DASH_TYPE = HLS_TYPE,
): Promise<void> => {
  res.set({
    'content-type': type,
    'cache-control': playlistCaching(ticksToSeconds(gopDurationTicks)),
  });
  await answers.send(res, text);
};

/**
 * The part of a segment that is asked for (RFC 9110, 14): one range of bytes, first and last. Null: all of it, which is
 * the answer to several ranges and to a malformed one, too. 'unsatisfiable': beyond its end.
 */
const rangeOf = (
  req: Request,
  bytes: number,
  etag: string,
): { start: number; end: number } | null | 'unsatisfiable' => {
  const ifRange = req.headers['if-range'];
  if (req.method !== 'GET' || (ifRange !== undefined && ifRange !== etag)) return null;
  const ranges = req.range(bytes);
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges[0] ?? null;
};

/** Bytes that never change under their URL, as long as it names their version. */
export interface SentMedia extends FoundMedia {
  type: 'video/mp2t' | 'video/mp4' | 'audio/mp4';
  /** Names the content. */
  tag: string;
  /** True if the URL names the version: others are asked for anew, as GOP numbers return with a new channel. */
  versioned: boolean;
}

/** Sends a segment, or the range of it that was asked for; unchanged: 304. */
export const sendMedia = async (req: Request, res: Response, media: SentMedia): Promise<void> => {
  const etag = `"${media.tag}"`;
  res.set({
    'content-type': media.type,
    'cache-control': media.versioned ? `public, max-age=${MAX_SEGMENT_AGE_S}, immutable` : 'no-cache',
    'accept-ranges': 'bytes',
    etag,
  });
  if (req.fresh) {
    res.status(304).end();
    return;
  }
  const range = rangeOf(req, media.bytes, etag);
  if (range === 'unsatisfiable') {
    res.set({ 'cache-control': 'no-store', 'content-range': `bytes */${media.bytes}` });
    res.status(416).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: media.bytes - 1 };
  if (range) res.status(206).set('content-range', `bytes ${start}-${end}/${media.bytes}`);
  res.set('content-length', String(end - start + 1));
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  const deadline = setTimeout(() => res.destroy(), SEGMENT_DEADLINE_MS);
  res.once('close', () => clearTimeout(deadline));
  try {
    const content = await media.whole?.();
    if (content) res.end(content.subarray(start, end + 1));
    else await pipeline(media.open(start, end), res);
  } catch {
    res.destroy();
  }
};
