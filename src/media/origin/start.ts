import { join } from 'node:path';
import { Router, type RequestHandler } from 'express';
import type { OriginReplication } from '../../config/shared-origins';
import { mediaHealthOf, type MediaHealth } from '../../contracts/health';
import { originRoutes, playerRoutes as routesOfPlayers } from '../../contracts/origin';
import { replicaRoutes as routesOfReplicas } from '../../contracts/origin-replica';
import { SwarmError } from '../../domain';
import type { FolderLock } from '../../platform/folder-lock';
import { listen, type ServerLimits } from '../../platform/http';
import { linkTls } from '../../platform/links/link-tls';
import { isEncrypted } from '../../platform/links/server';
import type { Logger } from '../../platform/logger';
import { OpenFiles } from '../../platform/open-files';
import { ownIdentity } from '../../platform/own-identity';
import { startOnFolder } from '../../platform/part-folder';
import { SharedBudget, memoryOfMachine } from '../../platform/shared-budget';
import { StorageHealth } from '../../platform/storage-health';
import { PlayVerifier } from '../../playback';
import { EmbeddedOwnershipStore, EtcdGateway, EtcdOwnershipStore } from '../ownership-store';
import { Packager, type ThreadProgram } from '../packaging';
import { Audience, type AudienceOptions } from './audience';
import type { MediaLimits } from './channel-media';
import { controlRoutes, type ControlLimits } from './control-routes';
import { BYTES_PER_RECORD, DiskBudget } from './disk-budget';
import { Origin } from './origin';
import type { PlayedChannels } from './played-channel';
import { KEEP_ALIVE_MS, PlayerApp, requireReady } from './player-app';
import { PlayersProcess, type PlayersProgram } from './player-process';
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
  /**
   * Who answers at `playerPort`: a process of its own, so that publishing goes on at its pace whatever players ask, or
   * this one. Default: this one.
   */
  players?: 'own-process' | 'here';
  /** Program of that process; default: the one of this release. */
  playersProgram?: PlayersProgram;
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

/**
 * Starts an origin. It listens before it reads its state; until then, callers are refused with `unavailable`. A
 * channel whose files are damaged is left alone; the others are served.
 *
 * Players have a listener, connections and, where that is asked for, a process of their own. The other listener answers
 * them too, for those who were given its address; there, an idle connection is given up for a newcomer, and never the one
 * on which an owner has published.
 * @throws SwarmError unavailable when the port is taken; conflict when another process uses the state, or a newer
 * release wrote it
 */
export const startOrigin = async (
  options: OriginOptions,
): Promise<{ port: number; playerPort: number | undefined; stop(): Promise<void> }> => {
  const limits = { ...defaultOriginLimits, ...options.limits };
  const health = new StorageHealth(options.log);
  const { host, port, playerPort, names, serverLimits: connections = {}, log } = options;
  const hasProcess = playerPort !== undefined && options.players === 'own-process';
  const bytesPerRecord = (hasProcess ? 2 : 1) * BYTES_PER_RECORD;
  const memory = new SharedBudget({
    what: 'memory of the origin',
    totalBytes: limits.memoryBytes ?? memoryOfMachine() / 2,
    mostBytes: 2 * limits.keptRecords * bytesPerRecord,
    leastBytes: 2 * LEAST_RECORDS * bytesPerRecord,
    variable: 'SWARM_ORIGIN_MEMORY_MIB',
  });
  const budget = new DiskBudget(limits, memory, bytesPerRecord);
  const { packagingProgram } = options;
  const packager = new Packager({
    keptBytes: limits.fragmentBytes,
    ...(packagingProgram && { program: packagingProgram }),
  });
  let ready: { origin: Origin; control: RequestHandler; replicas: RequestHandler } | undefined;
  const audience = new Audience(options.audience);
  const { playKeysFolder } = options;
  const verifier = playKeysFolder ? await PlayVerifier.open(playKeysFolder, Date.now, options.log) : null;
  const { maxPlayerWaits, fragmentBytes } = limits;
  const app = new PlayerApp({ audience, verifier, packager, maxPlayerWaits });
  // Parts stay at one origin: where several share a channel, whole GOPs are published.
  const partialMs = options.replication ? 0 : (options.partialMs ?? 0);
  const plain = options.plainPlayers ?? false;
  const playersProcess = hasProcess
    ? new PlayersProcess({
        listener: {
          ...{ host, port: playerPort, names, plain, connections, maxPlayerWaits, fragmentBytes, partialMs },
          ...{ playKeysFolder: playKeysFolder ?? null, identity: ownIdentity(), tls: linkTls()?.files },
          ...{ regions: audience.regions.text, proxies: audience.proxies },
        },
        program: options.playersProgram,
        log,
      })
    : undefined;
  const healthNow = (): MediaHealth => {
    const { followed, damaged } = requireReady(ready).origin;
    const media = mediaHealthOf(
      { list: () => [...followed.playedIds], damaged: [...damaged, ...(playersProcess?.damage ?? [])] },
      health,
    );
    return { ...media, ...(playersProcess && { players: playersProcess.health }) };
  };
  const channels = (): PlayedChannels | undefined => ready?.origin.played;
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
  const routes = group ? [...originRoutes, ...routesOfReplicas] : originRoutes;
  let isListening = false;
  // A part that is started is one that can be played from.
  const healthOnceListening = (): MediaHealth => {
    if (isListening) return healthNow();
    throw new SwarmError('unavailable', 'The origin does not listen for players yet.', 'Ask again.');
  };
  const server = await listen(
    app.listening(channels, healthOnceListening, (own) => {
      own.get('/audience', async (_req, res) => {
        res.json(audience.seen(await playersProcess?.audience()));
      });
      own.use('/channels', (req, res, next) => requireReady(ready).control(req, res, next));
      if (group) own.use('/replicas', (req, res, next) => requireReady(ready).replicas(req, res, next));
    }),
    { ...both, port, routes, whenFull: 'slowest-goes' },
  );
  server.server.keepAliveTimeout = KEEP_ALIVE_MS;
  const listenToPlayers = async (): Promise<{ port: number; close(): Promise<void> } | null> => {
    if (playerPort === undefined) return null;
    if (playersProcess) {
      await playersProcess.start();
      return { port: playersProcess.port, close: () => playersProcess.stop() };
    }
    const here = await listen(app.listening(channels, healthNow), {
      ...{ ...both, port: playerPort, routes: routesOfPlayers, callers: plain ? 'plain' : 'people' },
    });
    here.server.keepAliveTimeout = KEEP_ALIVE_MS;
    return here;
  };
  // While it starts, this process reads its state.
  const listening = listenToPlayers().then((players) => {
    isListening = true;
    return players;
  });
  // Whoever waits for it below is told; until then nobody does.
  listening.catch(() => undefined);
  const closeAll = async (): Promise<void> => {
    const players = await listening.catch(() => null);
    await Promise.all([server.close(), players?.close()]);
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
      partialMs,
      follow: (id) => playersProcess?.follow(id),
    });
    const control = controlRoutes(origin, limits, options.log);
    const replicas = group ? replicaRoutes(origin, group, limits) : Router();
    ready = { origin, control, replicas };
    playersProcess?.show(origin.followed, healthNow);
    return { origin, lock };
  };
  const { origin, lock } = await startOnFolder(options.stateDir, 'origin', open).catch(
    async (error: unknown) => {
      await closeAll();
      throw error;
    },
  );
  const stop = async (): Promise<void> => {
    const closed = closeAll();
    await origin.close();
    await packager.close();
    await closed;
    await lock.release();
  };
  const players = await listening.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const ports = { port: server.port, playerPort: players?.port };
  if (!players && isEncrypted('parts'))
    log.warn('players show no certificate, and have no listener of their own: set SWARM_PLAYER_PORT');
  log.info({ ...ports, channels: origin.list().length }, 'origin is ready');
  return { ...ports, stop };
};
