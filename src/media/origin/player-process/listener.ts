import { setTimeout as sleep } from 'node:timers/promises';
import { ViewerRegions } from '../../../audience';
import { playerRoutes as routesOfPlayers } from '../../../contracts/origin';
import { SwarmError, type ViewerCount } from '../../../domain';
import { listen, type RunningServer } from '../../../platform/http';
import { LinkTls, useLinkTls } from '../../../platform/links/link-tls';
import type { Logger } from '../../../platform/logger';
import { setOwnIdentity } from '../../../platform/own-identity';
import { PlayVerifier } from '../../../playback';
import { Packager } from '../../packaging';
import { Audience } from '../audience';
import { KEEP_ALIVE_MS, PlayerApp } from '../player-app';
import type { ListenerOptions } from './messages';
import { Mirror } from './mirror';
import { SegmentCache } from './segment-cache';

/** The process before this one may be about to end, and hold its port for a moment. */
const PORT_TRIES = 20;
const PORT_PAUSE_MS = 100;

/** Segments kept in memory: the newest ones of some channels, which most players want. */
const SEGMENT_BYTES = 64 * 2 ** 20;

export interface PlayersListener {
  port: number;
  mirror: Mirror;
  /** Who watches. */
  viewers(): ViewerCount[];
  close(): Promise<void>;
}

const listenSoon = async (tryIt: () => Promise<RunningServer>): Promise<RunningServer> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryIt();
    } catch (error) {
      const isTaken = error instanceof SwarmError && error.code === 'unavailable';
      if (!isTaken || tries >= PORT_TRIES) throw error;
    }
    await sleep(PORT_PAUSE_MS);
  }
};

/** Listens for players in this process alone. @throws SwarmError as `listen`; bad-request for certificates that can't be used */
export const listenToPlayers = async (options: ListenerOptions, log: Logger): Promise<PlayersListener> => {
  const { host, port, names, plain, connections, identity, tls, regions, proxies, playKeysFolder } = options;
  setOwnIdentity(identity);
  useLinkTls(tls && (await LinkTls.open(tls, { log })));
  const audience = new Audience({ regions: ViewerRegions.parse(regions), proxies });
  const verifier = playKeysFolder === null ? null : await PlayVerifier.open(playKeysFolder, Date.now, log);
  const mirror = new Mirror(options.partialMs, new SegmentCache(SEGMENT_BYTES));
  const packager = new Packager({ keptBytes: options.fragmentBytes });
  const { maxPlayerWaits } = options;
  const app = new PlayerApp({ audience, verifier, packager, maxPlayerWaits });
  const handler = app.listening(
    () => (mirror.health ? mirror : undefined),
    () => mirror.health!,
  );
  const listener = { host, port, routes: routesOfPlayers, limits: connections, log, ...(names && { names }) };
  const running = await listenSoon(() =>
    listen(handler, { ...listener, callers: plain ? 'plain' : 'people' }),
  );
  running.server.keepAliveTimeout = KEEP_ALIVE_MS;
  return {
    port: running.port,
    mirror,
    viewers: () => audience.seen().viewers,
    async close() {
      await Promise.all([running.close(), packager.close()]);
    },
  };
};
