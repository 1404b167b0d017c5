import { Readable } from 'node:stream';
import { Router } from 'express';
import { z } from 'zod';
import { gopOf, idSchema } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import type { Packager } from '../packaging';
import type { PlayerWaits } from './blocking-reload';
import { fileSchema, trackName, trackSchema, type CmafTrack } from './cmaf-names';
import { partialFile, partialRoute } from './partial-route';
import type { PlayedChannels } from './played-channel';
import {
  DASH_TYPE,
  askedOf,
  cuesOfQuery,
  forAnyPage,
  foundOrComing,
  mediaQuery,
  missingForASecond,
  sendMedia,
  sendPlaylist,
  windowQuery,
  type SentMedia,
} from './player-answers';
import type { PlaylistAnswers } from './playlist-answers';

/** Routes of players of fragmented MP4, `/cmaf/…` (docs/reference/protocols/origin.md): HLS and DASH. */

const channelParameters = z.object({ id: idSchema });
const trackParameters = z.object({ id: idSchema, track: trackSchema });
const fileParameters = z.object({ id: idSchema, track: trackSchema, file: fileSchema });

const partialParameters = z.object({ id: idSchema, track: trackSchema, file: partialFile('m4s') });

const contentOf = (track: CmafTrack, content: Uint8Array): Pick<SentMedia, 'type' | 'bytes' | 'open'> => ({
  type: 'sound' in track ? 'audio/mp4' : 'video/mp4',
  bytes: content.length,
  open: (first, last) => Readable.from([content.subarray(first, last + 1)]),
});

export const cmafRoutes = (
  channels: PlayedChannels,
  packager: Packager,
  answers: PlaylistAnswers,
  waits: PlayerWaits,
): Router => {
  const router = Router();
  router.use(forAnyPage);

  // The clock of the manifests (ISO/IEC 23009-1, 5.8.4.11).
  router.get('/time', (_req, res) => {
    res.set({ 'content-type': 'text/plain', 'cache-control': 'no-store' });
    res.send(new Date().toISOString());
  });

  router.get('/:id/index.m3u8', async (req, res) => {
    const { id } = parseOrRefuse(channelParameters, req.params, 'playlist');
    const { cues } = parseOrRefuse(cuesOfQuery, req.query, 'query');
    const { cmaf } = channels.channel(id);
    await sendPlaylist(res, cmaf, answers, cmaf.masterPlaylist(cues));
  });

  router.get('/:id/manifest.mpd', async (req, res) => {
    const { id } = parseOrRefuse(channelParameters, req.params, 'manifest');
    const { window_s } = parseOrRefuse(windowQuery, req.query, 'query');
    const { cmaf } = channels.channel(id);
    await sendPlaylist(res, cmaf, answers, cmaf.manifest(window_s * 1000), DASH_TYPE);
  });

  router.get('/:id/:track/index.m3u8', async (req, res) => {
    const { id, track } = parseOrRefuse(trackParameters, req.params, 'playlist');
    const query = parseOrRefuse(mediaQuery, req.query, 'query');
    const channel = channels.channel(id);
    await waits.untilListed(req, res, channel, query);
    await sendPlaylist(res, channel, answers, channel.cmaf.mediaPlaylist(track, askedOf(query)));
  });

  router.get(
    '/:id/:track/:file',
    partialRoute({ channels, waits, parameters: partialParameters }, async (channel, { track }, name) => {
      const source = channel.cmaf.partial(track, name);
      const { media } = await packager.fragment(source.name, source.job);
      return { folder: trackName(track), ...contentOf(track, media) };
    }),
  );

  router.get('/:id/:track/:file', async (req, res) => {
    const { id, track, file } = parseOrRefuse(fileParameters, req.params, 'fragment');
    const channel = channels.channel(id);
    const { cmaf } = channel;
    const isHeader = 'configuration' in file;
    const isComing = (): boolean =>
      !isHeader && gopOf(file.startTicks, channel.gopDurationTicks) >= channel.state.nextGop;
    const source = await foundOrComing(res, isComing, () =>
      isHeader ? cmaf.fragmentWith(track, file.configuration) : cmaf.fragmentAt(track, file.startTicks),
    );
    const { init, media, mediaTag } = await packager.fragment(source.name, source.job);
    await sendMedia(req, res, {
      ...contentOf(track, isHeader ? init : media),
      tag: isHeader ? file.configuration : mediaTag,
      // The name of a header is that of its content.
      versioned: isHeader || req.query.v === source.version,
    });
  });

  router.use(missingForASecond);
  return router;
};
