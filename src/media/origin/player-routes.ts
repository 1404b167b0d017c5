import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Router, type Response } from 'express';
import { z } from 'zod';
import { gopNumberSchema } from '../../contracts/origin';
import { idSchema, renditionSchema } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import type { Origin } from './origin';
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
/** A player that takes longer for a segment can't show it live: its file and connection are given back. */
const SEGMENT_DEADLINE_MS = 60_000;

/** Sends a playlist, which a cache must ask for again each time; unchanged: 304. */
const sendPlaylist = (res: Response, text: string): void => {
  res.set({
    'content-type': 'application/vnd.apple.mpegurl',
    'cache-control': 'no-cache',
    etag: `"${createHash('sha1').update(text).digest('base64url')}"`,
  });
  res.send(text);
};

export const playerRoutes = (origin: Origin): Router => {
  const router = Router();

  router.use((req, res, next) => {
    res.set('access-control-allow-origin', '*');
    if (req.method !== 'OPTIONS') {
      next();
      return;
    }
    res.set({ 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' });
    res.set('access-control-max-age', '86400').status(204).end();
  });

  router.get('/:id/index.m3u8', (req, res) => {
    const { id } = parseOrRefuse(masterParameters, req.params, 'playlist');
    sendPlaylist(res, origin.channel(id).masterPlaylist());
  });

  router.get('/:id/:rendition/index.m3u8', (req, res) => {
    const { id, rendition } = parseOrRefuse(mediaParameters, req.params, 'playlist');
    const { window_s } = parseOrRefuse(mediaQuery, req.query, 'query');
    sendPlaylist(res, origin.channel(id).mediaPlaylist(rendition, window_s * 1000));
  });

  router.get('/:id/:rendition/:file', async (req, res) => {
    const { id, rendition, file: gop } = parseOrRefuse(segmentParameters, req.params, 'segment');
    const { record, open } = origin.channel(id).segment(rendition, gop);
    // Only the URI with the content's version can be cached for good: GOP numbers return with a new channel.
    const versioned = req.query.v === versionOf(record);
    res.set({
      'content-type': 'video/mp2t',
      'content-length': String(record.bytes),
      'cache-control': versioned ? `public, max-age=${MAX_SEGMENT_AGE_S}, immutable` : 'no-cache',
      etag: `"${record.sha256}"`,
    });
    if (req.fresh) {
      res.removeHeader('content-length');
      res.status(304).end();
    } else if (req.method === 'HEAD') res.end();
    else {
      const deadline = setTimeout(() => res.destroy(), SEGMENT_DEADLINE_MS);
      await pipeline(open(), res).catch(() => res.destroy());
      clearTimeout(deadline);
    }
  });

  return router;
};
