import { Router } from 'express';
import { z } from 'zod';
import { gopNumberSchema } from '../../contracts/origin';
import { idSchema, renditionSchema } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import type { PlayerWaits } from './blocking-reload';
import { partialFile, partialRoute } from './partial-route';
import type { PlayedChannels } from './played-channel';
import {
  askedOf,
  cuesOfQuery,
  forAnyPage,
  mediaQuery,
  missingForASecond,
  sendMedia,
  sendPlaylist,
} from './player-answers';
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
    .regex(/^\d+(?:\.\d{1,2})?\.ts$/, 'use NUMBER.ts or NUMBER.PIECE.ts')
    .transform((name) => {
      const [gop, piece] = name.slice(0, -3).split('.');
      return { gop, ...(piece !== undefined && { piece: Number(piece) }) };
    })
    .pipe(z.object({ gop: wholeNumberSchema.pipe(gopNumberSchema), piece: z.int().optional() })),
});

const partialParameters = z.object({ id: idSchema, rendition, file: partialFile('ts') });

export const playerRoutes = (
  channels: PlayedChannels,
  answers: PlaylistAnswers,
  waits: PlayerWaits,
): Router => {
  const router = Router();
  router.use(forAnyPage);

  router.get('/:id/index.m3u8', async (req, res) => {
    const { id } = parseOrRefuse(masterParameters, req.params, 'playlist');
    const { cues } = parseOrRefuse(cuesOfQuery, req.query, 'query');
    const channel = channels.channel(id);
    await sendPlaylist(res, channel, answers, channel.masterPlaylist(cues));
  });

  router.get('/:id/:rendition/index.m3u8', async (req, res) => {
    const { id, rendition } = parseOrRefuse(mediaParameters, req.params, 'playlist');
    const query = parseOrRefuse(mediaQuery, req.query, 'query');
    const channel = channels.channel(id);
    await waits.untilListed(req, res, channel, query);
    await sendPlaylist(res, channel, answers, channel.mediaPlaylist(rendition, askedOf(query)));
  });

  router.get(
    '/:id/:rendition/:file',
    partialRoute({ channels, waits, parameters: partialParameters }, (channel, { rendition }, name) => {
      const { bytes, open } = channel.partial(rendition, name);
      return { folder: rendition, type: 'video/mp2t', bytes, open };
    }),
  );

  router.get('/:id/:rendition/:file', async (req, res) => {
    const { id, rendition, file } = parseOrRefuse(segmentParameters, req.params, 'segment');
    const { gop, piece } = file;
    const { record, ...media } = channels.channel(id).segment(rendition, gop, piece);
    const tag = piece === undefined ? record.sha256 : `${record.sha256}-${piece}`;
    const versioned = req.query.v === versionOf(record);
    await sendMedia(req, res, {
      ...{ ...media, type: 'video/mp2t', tag, versioned },
    });
  });

  router.use(missingForASecond);
  return router;
};
