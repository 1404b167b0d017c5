import express, { type RequestHandler } from 'express';
import { ownNamesOf, type Environment } from '../../config/config';
import { mediaHealthOf } from '../../contracts/health';
import { relayRoutes } from '../../contracts/relay';
import { DiskBudget } from '../../platform/disk-budget';
import type { FolderLock } from '../../platform/folder-lock';
import { defaultServerLimits, healthAnswer, listen, type ServerLimits } from '../../platform/http';
import { createLogger, type Logger } from '../../platform/logger';
import { OpenFiles } from '../../platform/open-files';
import { startOnFolder } from '../../platform/part-folder';
import { SharedBudget, memoryOfMachine } from '../../platform/shared-budget';
import { StorageHealth } from '../../platform/storage-health';
import { RelayChannels } from './relay-channels';
import { addRoutes } from './routes';

/** A body of JSON is small; whoever takes longer for it only takes up a connection. */
const JSON_BODY_LIMIT_MS = 10_000;

/** Cuts off a caller whose body of JSON does not come in time. */
const limitBodyTime =
  (limitMs: number): RequestHandler =>
  (req, _res, next) => {
    if (req.is('json')) {
      const timer = setTimeout(() => req.socket.destroy(), limitMs).unref();
      const arrived = (): void => clearTimeout(timer);
      req.once('end', arrived).once('close', arrived);
    }
    next();
  };

/** A ring with less could hold no GOP that counts. */
const LEAST_RING_BYTES = 8 * 2 ** 20;
const MOST_RING_BYTES = 64 * 2 ** 20;
/** Of what is free and what the rings hold; the rest is for segments, databases and logs. */
const SHARE_OF_DISK = 0.5;
const DISK_LOOK_MS = 10_000;
/** The contribution, the feeds of an owner and of the one who takes over, and a file of the ring. */
const FILES_OF_CHANNEL = 4;
/** Half of the connections: the others are for contributions, the origin and those who ask. */
const MOST_FEEDS = defaultServerLimits.maxConnections / 2;
/** A channel has an owner, one who takes over, and those who look on. */
const MOST_FEEDS_OF_CHANNEL = 64;

export interface RelayOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  stateDir: string;
  /** DNS names under which it is reached; default none but localhost. */
  names?: readonly string[];
  /** Media time that the ring of each channel holds; default 60. */
  ringSeconds?: number;
  /** Bytes that the ring of each channel holds at most; default 64 MiB. */
  ringMaxBytes?: number;
  /** Bytes that the rings of all channels hold together at most; default half of the machine's memory. */
  memoryBytes?: number;
  /** The same on disk; default half of what is free there and of what they hold. */
  diskBytes?: number;
  /** Files and connections that this process may have open; default: what the system allows. */
  openFiles?: number;
  /** An ingest that sends nothing for this long counts as dead; default 5 s. */
  ingestIdleMs?: number;
  /** Feeds at the same time, default half of the connections, and of one channel, default 64. The owner's is given up for nobody. */
  maxFeeds?: number;
  maxFeedsOfChannel?: number;
  /** Bounds on connections; see defaultServerLimits. */
  limits?: Partial<ServerLimits>;
  log?: Logger;
}

export interface Relay {
  port: number;
  stop(): Promise<void>;
}

export const relayOptionsFrom = (environment: Environment): RelayOptions => ({
  host: environment.SWARM_HOST,
  port: environment.SWARM_RELAY_PORT,
  stateDir: environment.SWARM_STATE_DIR,
  names: ownNamesOf(environment),
  ringSeconds: environment.SWARM_RING_SECONDS,
  ringMaxBytes: environment.SWARM_RING_MIB * 2 ** 20,
  ...(environment.SWARM_OPEN_FILES !== undefined && { openFiles: environment.SWARM_OPEN_FILES }),
  ...(environment.SWARM_RELAY_MEMORY_MIB !== undefined && {
    memoryBytes: environment.SWARM_RELAY_MEMORY_MIB * 2 ** 20,
  }),
  ...(environment.SWARM_RELAY_DISK_MIB !== undefined && {
    diskBytes: environment.SWARM_RELAY_DISK_MIB * 2 ** 20,
  }),
});

/**
 * Starts the relay with the channels that the last run knew.
 * @throws SwarmError unavailable when the port is taken; conflict when another process uses the state, or a newer
 * release wrote it
 */
export const startRelay = (options: RelayOptions): Promise<Relay> =>
  startOnFolder(options.stateDir, 'relay', (lock) => startLocked(options, lock));

const startLocked = async (options: RelayOptions, lock: FolderLock): Promise<Relay> => {
  const log = options.log ?? createLogger('relay');
  const health = new StorageHealth(log);
  const mostBytes = options.ringMaxBytes ?? MOST_RING_BYTES;
  const channels = new RelayChannels({
    stateDir: options.stateDir,
    ringSeconds: options.ringSeconds ?? 60,
    budget: new SharedBudget({
      what: 'memory of the relay',
      totalBytes: options.memoryBytes ?? memoryOfMachine() / 2,
      mostBytes,
      leastBytes: LEAST_RING_BYTES,
      variable: 'SWARM_RELAY_MEMORY_MIB',
    }),
    disk: new DiskBudget({
      part: 'the relay',
      totalBytes: options.diskBytes ?? null,
      shareOfDisk: SHARE_OF_DISK,
      mostBytes,
      leastBytes: LEAST_RING_BYTES,
      variable: 'SWARM_RELAY_DISK_MIB',
    }),
    files: new OpenFiles({ part: 'the relay', total: options.openFiles, perChannel: FILES_OF_CHANNEL }),
    health,
    requireLock: () => lock.assertHeld(),
    log,
  });
  await channels.restore();

  const app = express();
  app.disable('x-powered-by');
  app.use(
    limitBodyTime(options.limits?.requestTimeoutMs ?? JSON_BODY_LIMIT_MS),
    express.json({ limit: '16kb' }),
  );
  app.get('/healthz', (req, res) => {
    res.json(healthAnswer(req, mediaHealthOf(channels, health)));
  });
  addRoutes(app, channels, {
    ingestIdleMs: options.ingestIdleMs ?? 5_000,
    maxFeeds: options.maxFeeds ?? MOST_FEEDS,
    maxFeedsOfChannel: options.maxFeedsOfChannel ?? MOST_FEEDS_OF_CHANNEL,
  });

  // An ingest is a request whose body never ends.
  const limits = { ...options.limits, requestTimeoutMs: 0 };
  const { host, port, names } = options;
  const listener = { host, port, routes: relayRoutes, ...(names && { names }), limits, log };
  // Contributions and feeds are requests that never end: those stay, and idle callers keep none of them out.
  const running = await listen(app, { ...listener, whenFull: 'idlest-goes' }).catch(
    async (error: unknown) => {
      await channels.close();
      throw error;
    },
  );
  log.info({ port: running.port, channels: channels.list().length }, 'relay listens');
  const looking = setInterval(() => void channels.lookAtDisk().catch(() => undefined), DISK_LOOK_MS);
  return {
    port: running.port,
    stop: async () => {
      clearInterval(looking);
      await channels.close();
      await running.close();
      await lock.release();
    },
  };
};
