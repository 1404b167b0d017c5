import { join } from 'node:path';
import express, { Router, type RequestHandler } from 'express';
import type { OriginReplication } from '../../config/shared-origins';
import { mediaHealthOf } from '../../contracts/health';
import { originRoutes, playerRoutes as routesOfPlayers } from '../../contracts/origin';
import { replicaRoutes as routesOfReplicas } from '../../contracts/origin-replica';
import { SwarmError } from '../../domain';
import type { FolderLock } from '../../platform/folder-lock';
import { healthAnswer, listen, type ServerLimits } from '../../platform/http';
import { isEncrypted } from '../../platform/links/server';
import type { Logger } from '../../platform/logger';
import { OpenFiles } from '../../platform/open-files';
import { startOnFolder } from '../../platform/part-folder';
import { SharedBudget, memoryOfMachine } from '../../platform/shared-budget';
import { StorageHealth } from '../../platform/storage-health';
import { PlayVerifier } from '../../playback';
import { EmbeddedOwnershipStore, EtcdGateway, EtcdOwnershipStore } from '../ownership-store';
import { Packager, type ThreadProgram } from '../packaging';
import { Audience, type AudienceOptions } from './audience';
import { PlayerWaits } from './blocking-reload';
import type { MediaLimits } from './channel-media';
import { cmafRoutes } from './cmaf-routes';
import { controlRoutes, type ControlLimits } from './control-routes';
import { BYTES_PER_RECORD, DiskBudget } from './disk-budget';
import { Origin } from './origin';
import { playGate } from './play-gate';
import { playerRoutes } from './player-routes';
import { PlaylistAnswers } from './playlist-answers';
import { channelRecordSchema } from './records';
import { relayLedgerAt } from './relay-ledger';
import { ReplicaGroup, replicaRoutes, sharedRecordSchema } from './replication';

export interface OriginOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Records, ledgers and segments are kept in `<stateDir>/origin`. */
  stateDir: string;
  /** Port of a listener for players alone, 0 for a free one; default: players share the other one. */
  playerPort?: number | undefined;
  /** Whether players are asked in plain where links are encrypted, as by a cache on the same machine. */
  plainPlayers?: boolean;
  relayUrl: string;
  /** All relays that have the same GOPs, of which the next one is asked where one does not answer; default: that one. */
  relayUrls?: readonly string[];
  /** The origins that share the channels; absent: this one is alone. */
  replication?: ReplicationOptions | undefined;
  /** Folder of the keys with which addresses of channels are signed; absent or null: everyone may play. */
  playKeysFolder?: string | null;
  /** How viewers are counted. */
  audience?: AudienceOptions;
  /** DNS names under which it is reached; default none but localhost. */
  names?: readonly string[];
  log: Logger;
  limits?: Partial<OriginLimits>;
  /** Bounds on connections of each listener; see defaultServerLimits. */
  serverLimits?: Partial<ServerLimits>;
  /** How long partial segments are; 0, and by default: GOPs are published whole. */
  partialMs?: number;
  /** Program of the thread that makes fragments; default: the one of this release. */
  packagingProgram?: ThreadProgram;
}

export interface ReplicationOptions extends OriginReplication {
  /** Whose channels they are. */
  cell: string;
}

export interface OriginLimits extends MediaLimits, ControlLimits {
  /** What the segments of all channels take up together; null: as much as the disk has when it starts. */
  totalBytes: number | null;
  /** What the ledgers of all channels take up together in memory; null: half of the machine's. */
  memoryBytes: number | null;
  /** Files and connections that this process may have open; null: what the system allows. */
  openFiles: number | null;
  /** Players that may wait for what comes next, at the same time over all channels: see Turns. */
  maxPlayerWaits: number;
  /** Fragments of MP4 that are kept in memory, of all channels together. */
  fragmentBytes: number;
}

const BYTES_PER_MIB = 2 ** 20;
/** A quarter of an hour in GOPs of 2 s: with less, segments would be forgotten before their retention is over. */
const LEAST_RECORDS = 512;
/** The connections of an owner and of the one who takes over, the ledger, and a segment that is written or read. */
const FILES_OF_CHANNEL = 4;

export const defaultOriginLimits: OriginLimits = {
  retentionMs: 15 * 60_000,
  retentionBytes: 1024 * BYTES_PER_MIB,
  totalBytes: null,
  keptRecords: 3_600,
  maxBodyBytes: 16 * BYTES_PER_MIB,
  bodyTimeoutMs: 15_000,
  maxUploads: 64,
  maxWaits: 512,
  maxPlayerWaits: 8_192,
  memoryBytes: null,
  openFiles: null,
  fragmentBytes: 128 * BYTES_PER_MIB,
};

/** What the other parts ask, and other origins. */
type ControlPath = '/channels' | '/replicas';

/** What players ask. */
const PLAYER_PATHS = ['/hls', '/cmaf'] as const;

/** Longer than the longest GOP, so that encoders and players keep their connections from GOP to GOP. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Starts an origin. It listens before it reads its state; until then, callers are refused with `unavailable`. A
 * channel whose files are damaged is left alone; the others are served.
 *
 * Players have a listener and connections of their own. The other listener answers them too, for those who were given its
 * address; there, an idle connection is given up for a newcomer, and never the one on which an owner has published.
 * @throws SwarmError unavailable when the port is taken; conflict when another process uses the state, or a newer
 * release wrote it
 */
export const startOrigin = async (
  options: OriginOptions,
): Promise<{ port: number; playerPort: number | undefined; stop(): Promise<void> }> => {
  const limits = { ...defaultOriginLimits, ...options.limits };
  const health = new StorageHealth(options.log);
  const memory = new SharedBudget({
    what: 'memory of the origin',
    totalBytes: limits.memoryBytes ?? memoryOfMachine() / 2,
    mostBytes: 2 * limits.keptRecords * BYTES_PER_RECORD,
    leastBytes: 2 * LEAST_RECORDS * BYTES_PER_RECORD,
    variable: 'SWARM_ORIGIN_MEMORY_MIB',
  });
  const budget = new DiskBudget(limits, memory);
  const { packagingProgram } = options;
  const packager = new Packager({
    keptBytes: limits.fragmentBytes,
    ...(packagingProgram && { program: packagingProgram }),
  });
  let ready:
    | { origin: Origin; handlers: Record<ControlPath | (typeof PLAYER_PATHS)[number], RequestHandler> }
    | undefined;
  const whenReady =
    (pick: (r: NonNullable<typeof ready>) => RequestHandler): RequestHandler =>
    (req, res, next) => {
      if (!ready) throw new SwarmError('unavailable', 'The origin is still reading its state.', 'Ask again.');
      return pick(ready)(req, res, next);
    };

  const audience = new Audience(options.audience);
  const { playKeysFolder } = options;
  const verifier = playKeysFolder ? await PlayVerifier.open(playKeysFolder, Date.now, options.log) : null;
  const appWith = (paths: readonly (ControlPath | (typeof PLAYER_PATHS)[number])[]): RequestHandler => {
    const app = express();
    app.disable('x-powered-by').disable('etag').set('trust proxy', audience.proxies);
    app.get(
      '/healthz',
      whenReady(({ origin }) => (req, res) => {
        res.json(healthAnswer(req, mediaHealthOf(origin, health)));
      }),
    );
    if (paths.includes('/channels')) app.get('/audience', (_req, res) => void res.json(audience.seen()));
    const players = Router();
    for (const path of paths) {
      const handler = whenReady((r) => r.handlers[path]);
      if (path === '/channels' || path === '/replicas') app.use(path, handler);
      else players.use(path, audience.count, handler);
    }
    return app.use(playGate(verifier, players));
  };

  const { host, port, playerPort, names, serverLimits: connections = {}, log } = options;
  const both = { host, ...(names && { names }), limits: connections, log };
  const { replication } = options;
  const group =
    replication &&
    new ReplicaGroup({
      ...replication,
      store: new EtcdOwnershipStore(
        new EtcdGateway(replication.storeUrls),
        replication.cell,
        sharedRecordSchema,
        (error) => log.error({ err: error }, 'goes on without a channel: its record is not understood'),
      ),
      log,
    });
  const replicas = group ? (['/replicas'] as const) : [];
  const routes = group ? [...originRoutes, ...routesOfReplicas] : originRoutes;
  const server = await listen(appWith(['/channels', ...replicas, ...PLAYER_PATHS]), {
    ...{ ...both, port, routes, whenFull: 'slowest-goes' },
  });
  const players =
    playerPort === undefined
      ? null
      : await listen(appWith(PLAYER_PATHS), {
          ...{ ...both, port: playerPort, routes: routesOfPlayers },
          callers: options.plainPlayers ? 'plain' : 'people',
        }).catch(async (error: unknown) => {
          await server.close();
          throw error;
        });
  const servers = players ? [server, players] : [server];
  for (const { server: listener } of servers) listener.keepAliveTimeout = KEEP_ALIVE_MS;
  const closeAll = async (): Promise<void> => {
    await Promise.all(servers.map((each) => each.close()));
  };
  const open = async (lock: FolderLock): Promise<{ origin: Origin; lock: FolderLock }> => {
    const directory = join(options.stateDir, 'origin');
    const origin = await Origin.open(directory, {
      store: new EmbeddedOwnershipStore(directory, channelRecordSchema),
      group,
      relay: relayLedgerAt(options.relayUrls ?? options.relayUrl),
      limits: budget.limits,
      budget,
      memory,
      files: new OpenFiles({
        part: 'the origin',
        total: limits.openFiles ?? undefined,
        perChannel: FILES_OF_CHANNEL,
      }),
      now: Date.now,
      monotonicMs: () => performance.now(),
      requireLock: () => lock.assertHeld(),
      health,
      log: options.log,
      // Parts stay at one origin: where several share a channel, whole GOPs are published.
      partialMs: group ? 0 : (options.partialMs ?? 0),
    });
    const waits = new PlayerWaits(limits.maxPlayerWaits);
    const answers = new PlaylistAnswers();
    const handlers = {
      '/channels': controlRoutes(origin, limits, options.log),
      '/replicas': group ? replicaRoutes(origin, group, limits) : Router(),
      '/hls': playerRoutes(origin, answers, waits),
      '/cmaf': cmafRoutes(origin, packager, answers, waits),
    };
    ready = { origin, handlers };
    return { origin, lock };
  };
  const { origin, lock } = await startOnFolder(options.stateDir, 'origin', open).catch(
    async (error: unknown) => {
      await closeAll();
      throw error;
    },
  );
  const listening = { port: server.port, playerPort: players?.port };
  if (!players && isEncrypted('parts'))
    log.warn('players show no certificate, and have no listener of their own: set SWARM_PLAYER_PORT');
  log.info({ ...listening, channels: origin.list().length }, 'origin is ready');
  return {
    ...listening,
    async stop() {
      const closed = closeAll();
      await origin.close();
      await packager.close();
      await closed;
      await lock.release();
    },
  };
};
