import { Router, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { SwarmError, idSchema, mayUse } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import { callerOf } from '../../platform/http-guard';
import type { PlayVerifier } from '../../playback';
import { forAnyPage } from './player-answers';

/** The channel of a path below `/hls` or `/cmaf`. */
const CHANNEL = /^\/(?:hls|cmaf)\/([^/?]+)/;
/** The clock of the origin is no channel. */
const TIME = '/cmaf/time';

/** A cache asks again after that whether a token is good, and goes on with the last answer while the origin is away. */
const CHECK_KEPT_S = 10;
const CHECK_STALE_S = 60;

const isTime = (path: string): boolean => path.split('?', 1)[0] === TIME;

const checkParameters = z.object({ id: idSchema });

const channelOf = (path: string): string => {
  const [, name = ''] = CHANNEL.exec(path) ?? [];
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

/**
 * Lets in by the token in the path (docs/how-to/sign-play-urls.md), in front of what players ask. Without a verifier
 * nothing is signed: whatever stands for the token, the address works.
 */
export const playGate = (verifier: PlayVerifier | null, players: RequestHandler): RequestHandler => {
  const router = Router();
  const requireFor = async (token: string, channelId: string): Promise<number> => {
    if (!verifier) return Infinity;
    const { channelId: allowed, expiresAtMs } = await verifier.verify(token);
    if (allowed === channelId) return expiresAtMs;
    throw new SwarmError(
      'forbidden',
      'The token of this address is for another channel.',
      'Ask for an address of this channel: encoder-swarm channel play-url CHANNEL.',
    );
  };

  router.use('/play/:token', forAnyPage);
  router.get('/play/:token/check/:id', async (req, res) => {
    const { id } = parseOrRefuse(checkParameters, { id: req.params.id }, 'channel');
    const leftS = Math.floor(((await requireFor(req.params.token, id)) - Date.now()) / 1_000);
    const keptS = Math.max(1, Math.min(CHECK_KEPT_S, leftS));
    res.set('cache-control', `public, max-age=${keptS}, stale-if-error=${CHECK_STALE_S}`).status(204).end();
  });
  router.use('/play/:token', async (req, res, next) => {
    if (!isTime(req.url)) await requireFor(req.params.token, channelOf(req.url));
    players(req, res, next);
  });

  router.use(['/hls', '/cmaf'], forAnyPage, (req, _res, next) => {
    if (!verifier || isTime(req.originalUrl) || isPart(req)) {
      next();
      return;
    }
    throw new SwarmError(
      'forbidden',
      'Channels of this swarm are played by addresses that are signed, and this one is not.',
      'Ask for one: encoder-swarm channel play-url CHANNEL.',
    );
  });
  router.use(players);
  return router;
};

/** Parts check what viewers are shown. */
const isPart = (req: Request): boolean => {
  const caller = callerOf(req);
  return caller !== null && mayUse('part', caller);
};
