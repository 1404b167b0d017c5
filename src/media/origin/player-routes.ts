import { Router } from 'express';
import { z } from 'zod';
import { gopNumberSchema } from '../../contracts/origin';
import { idSchema, renditionSchema } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import type { Origin } from './origin';
import { forAnyPage, missingForASecond, sendMedia, sendPlaylist, windowQuery } from './player-answers';
import type { PlaylistAnswers } from './playlist-answers';
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

export const playerRoutes = (origin: Origin, answers: PlaylistAnswers): Router => {
  const router = Router();
  router.use(forAnyPage);

  router.get('/:id/index.m3u8', async (req, res) => {
    const { id } = parseOrRefuse(masterParameters, req.params, 'playlist');
    const channel = origin.channel(id);
    await sendPlaylist(res, channel, answers, channel.masterPlaylist());
  });

  router.get('/:id/:rendition/index.m3u8', async (req, res) => {
    const { id, rendition } = parseOrRefuse(mediaParameters, req.params, 'playlist');
    const { window_s } = parseOrRefuse(windowQuery, req.query, 'query');
    const channel = origin.channel(id);
    await sendPlaylist(res, channel, answers, channel.mediaPlaylist(rendition, window_s * 1000));
  });

  router.get('/:id/:rendition/:file', async (req, res) => {
    const { id, rendition, file: gop } = parseOrRefuse(segmentParameters, req.params, 'segment');
    const { record, open } = origin.channel(id).segment(rendition, gop);
    const versioned = req.query.v === versionOf(record);
    await sendMedia(req, res, {
      ...{ type: 'video/mp2t', tag: record.sha256, bytes: record.bytes, versioned, open },
    });
  });

  router.use(missingForASecond);
  return router;
};
