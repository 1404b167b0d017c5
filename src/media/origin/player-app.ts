import express, { Router, type Express, type RequestHandler } from 'express';
import type { MediaHealth } from '../../contracts/health';
import { SwarmError } from '../../domain';
import { healthAnswer } from '../../platform/http';
import type { PlayVerifier } from '../../playback';
import type { Packager } from '../packaging';
import type { Audience } from './audience';
import { PlayerWaits } from './blocking-reload';
import { cmafRoutes } from './cmaf-routes';
import { playGate } from './play-gate';
import type { PlayedChannels } from './played-channel';
import { playerRoutes } from './player-routes';
import { PlaylistAnswers } from './playlist-answers';

/** Longer than the longest GOP, so that encoders and players keep their connections from GOP to GOP. */
export const KEEP_ALIVE_MS = 75_000;

export interface PlayerAppOptions {
  audience: Audience;
  /** Null: everyone may play. */
  verifier: PlayVerifier | null;
  packager: Packager;
  /** Players that may wait for what comes next, at the same time over all channels: see Turns. */
  maxPlayerWaits: number;
}

/** What players are answered, in whichever process that is. */
export class PlayerApp {
  private readonly answers = new PlaylistAnswers();
  private readonly waits: PlayerWaits;
  private routers: { of: PlayedChannels; hls: RequestHandler; cmaf: RequestHandler } | undefined;

  constructor(private readonly options: PlayerAppOptions) {
    this.waits = new PlayerWaits(options.maxPlayerWaits);
  }

  /**
   * An app with the health of the part and the routes of players; a part adds its own in between.
   * @param channels undefined while the origin reads its state
   * @param own more routes
   */
  listening(
    channels: () => PlayedChannels | undefined,
    health: () => MediaHealth,
    own: (app: Express) => void = () => undefined,
  ): RequestHandler {
    const { audience, verifier } = this.options;
    const app = express();
    app.disable('x-powered-by').disable('etag').set('trust proxy', audience.proxies);
    app.get('/healthz', (req, res) => {
      requireReady(channels());
      res.json(healthAnswer(req, health()));
    });
    own(app);
    const players = Router();
    players.use('/hls', audience.count, (req, res, next) => {
      this.routersOf(requireReady(channels())).hls(req, res, next);
    });
    players.use('/cmaf', audience.count, (req, res, next) => {
      this.routersOf(requireReady(channels())).cmaf(req, res, next);
    });
    return app.use(playGate(verifier, players));
  }

  private routersOf(channels: PlayedChannels): { hls: RequestHandler; cmaf: RequestHandler } {
    const { answers, waits, options } = this;
    if (this.routers?.of !== channels)
      this.routers = {
        of: channels,
        hls: playerRoutes(channels, answers, waits),
        cmaf: cmafRoutes(channels, options.packager, answers, waits),
      };
    return this.routers;
  }
}

/** What there is once the origin has read its state. @throws SwarmError unavailable */
export const requireReady = <T>(ready: T | undefined): T => {
  if (ready !== undefined) return ready;
  throw new SwarmError('unavailable', 'The origin is still reading its state.', 'Ask again.');
};
