import { pipeline } from 'node:stream/promises';
import { Router, type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import { gopNumberSchema } from '../../contracts/origin';
import { SwarmError, httpStatusOf, idSchema, renditionSchema, ticksToSeconds } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import type { Channel } from './channel';
import type { Origin } from './origin';
import { PlaylistAnswers } from './playlist-answers';
import { versionOf } from './playlists';
import { wholeNumberSchema } from './records';

/** Routes of players, `/hls/…` (docs/reference/protocols/origin.md): any web page may read them. */

const rendition = renditionSchema.shape.name;
const masterParameters = z.object({ id: idSchema });
const mediaParameters = z.object({ id: idSchema, rendition });
const segmentParameters = z.object({
  id: idSchema,
  rendition,
  file: z
    .string()
    .regex(/^\d+\.ts$/, 'use NUMBER.ts')
    .transform((name) => name.slice(0, -3))
    .pipe(wholeNumberSchema)
    .pipe(gopNumberSchema),
});
const mediaQuery = z.object({ window_s: wholeNumberSchema.pipe(z.int().min(1).max(86_400)).default(60) });

const MAX_SEGMENT_AGE_S = 3_600;
/** A segment that is not there yet may be asked for by many at once: a cache answers them, for a second. */
const NOT_FOUND_AGE_S = 1;
/** A player with a playlist of some time ago asks again; one that gets an error may give up. */
const STALE_PLAYLIST_AGE_S = 60;
/** A player that takes longer for a segment can't show it live: its file and connection are given back. */
const SEGMENT_DEADLINE_MS = 60_000;

/**
 * How long a playlist may be kept (RFC 9111; stale-if-error: RFC 5861). A player asks again each time; a shared cache
 * answers for half a GOP, at least the one second that a header can tell, and with what it has while the origin is away.
 */
const playlistCaching = (gopSeconds: number): string =>
  [
    ...['public', 'max-age=0', `s-maxage=${Math.max(1, Math.floor(gopSeconds / 2))}`],
    `stale-if-error=${STALE_PLAYLIST_AGE_S}`,
  ].join(', ');

/** Sends a playlist; unchanged: 304. */
const sendPlaylist = async (
  res: Response,
  channel: Channel,
  answers: PlaylistAnswers,
  text: string,
): Promise<void> => {
  res.set({
    'content-type': 'application/vnd.apple.mpegurl',
    'cache-control': playlistCaching(ticksToSeconds(channel.gopDurationTicks)),
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

export const playerRoutes = (origin: Origin, answers = new PlaylistAnswers()): Router => {
  const router = Router();

  router.use((req, res, next) => {
    res.set('access-control-allow-origin', '*');
    res.set('access-control-expose-headers', 'content-length, content-range, date, etag');
    if (req.method !== 'OPTIONS') {
      next();
      return;
    }
    res.set({ 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' });
    res.set('access-control-max-age', '86400').status(204).end();
  });

  router.get('/:id/index.m3u8', async (req, res) => {
    const { id } = parseOrRefuse(masterParameters, req.params, 'playlist');
    const channel = origin.channel(id);
    await sendPlaylist(res, channel, answers, channel.masterPlaylist());
  });

  router.get('/:id/:rendition/index.m3u8', async (req, res) => {
    const { id, rendition } = parseOrRefuse(mediaParameters, req.params, 'playlist');
    const { window_s } = parseOrRefuse(mediaQuery, req.query, 'query');
    const channel = origin.channel(id);
    await sendPlaylist(res, channel, answers, channel.mediaPlaylist(rendition, window_s * 1000));
  });

  router.get('/:id/:rendition/:file', async (req, res) => {
    const { id, rendition, file: gop } = parseOrRefuse(segmentParameters, req.params, 'segment');
    const { record, open } = origin.channel(id).segment(rendition, gop);
    // Only the URI with the content's version can be cached for good: GOP numbers return with a new channel.
    const versioned = req.query.v === versionOf(record);
    const etag = `"${record.sha256}"`;
    res.set({
      'content-type': 'video/mp2t',
      'cache-control': versioned ? `public, max-age=${MAX_SEGMENT_AGE_S}, immutable` : 'no-cache',
      'accept-ranges': 'bytes',
      etag,
    });
    if (req.fresh) {
      res.status(304).end();
      return;
    }
    const range = rangeOf(req, record.bytes, etag);
    if (range === 'unsatisfiable') {
      res.set({ 'cache-control': 'no-store', 'content-range': `bytes */${record.bytes}` });
      res.status(416).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: record.bytes - 1 };
    if (range) res.status(206).set('content-range', `bytes ${start}-${end}/${record.bytes}`);
    res.set('content-length', String(end - start + 1));
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    const deadline = setTimeout(() => res.destroy(), SEGMENT_DEADLINE_MS);
    await pipeline(open(start, end), res).catch(() => res.destroy());
    clearTimeout(deadline);
  });

  // What is not there now may be there in a moment: no cache may keep that for longer (others: http.ts).
  router.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    const isMissing = error instanceof SwarmError && httpStatusOf[error.code] === 404;
    if (isMissing) res.set('cache-control', `public, max-age=${NOT_FOUND_AGE_S}`);
    next(error);
  });

  return router;
};
