import { releasedSession, toWireSession } from '../../contracts/encoder/answers';
import { commitSchema, getSchema, prepareSchema, releaseSchema } from '../../contracts/encoder/requests';
import type { EncoderInfo, Hardware } from '../../domain';
import { withinOrNull } from '../../platform/deadline';
import { parseOrRefuse } from '../../platform/http';
import type { Logger } from '../../platform/logger';
import { confinement } from '../../platform/processes/confined';
import { givenCapacity, MeasuredCapacity, type SelfMeasured } from './benchmark/host-capacity';
import { BuildDigest } from './build-digest';
import { listCodecs } from './codec-abilities';
import { detectFfmpeg } from './ffmpeg-capabilities';
import { throughGateways, type Gateways } from './gateways';
import { serveEncoder, type EncoderMethods } from './grpc-server';
import { ResourceMeter } from './resource-usage';
import { resumeSessions } from './resume-sessions';
import { SessionJournal } from './session-journal';
import { SessionRegistry } from './session-registry';
import { ENCODER_HOST_VERSION } from './version';

/** See FeedDemuxer. */
const PASSED_TRACKS = ['audio', 'data'];
const DEFAULT_FENCED_RELEASE_MS = 60_000;
/** A host that measures itself the first time serves when it has, or with a guess after this. */
const MEASURE_BEFORE_SERVING_MS = 10_000;

export interface EncoderHostOptions {
  id: string;
  region: string;
  zone: string;
  /** Encode units, or how it measures them by itself. */
  capacityUnits: number | SelfMeasured;
  maxSessions: number;
  host: string;
  /** 0 picks a free one. */
  port: number;
  ffmpegPath: string;
  log: Logger;
  /** Hardware that it has and may use; default: none. */
  hardware?: Hardware[];
  fencedReleaseMs?: number;
  /** Whether its sessions encode for players close to live; default no. */
  lowLatency?: boolean;
  gateways?: Gateways;
  /** Where it notes which sessions publish, so that they go on after a restart of the swarm; absent: nowhere. */
  sessionsFile?: string | undefined;
}

export interface EncoderHost {
  port: number;
  address: string;
  info: EncoderInfo;
  stop(): Promise<void>;
}

/**
 * Starts an encoder host: protos/encoder.proto and grpc.health.v1.Health on one port.
 * @throws SwarmError unavailable when ffmpeg can't be used or the port is taken.
 */
export const startEncoder = async (options: EncoderHostOptions): Promise<EncoderHost> => {
  const { log } = options;
  const ffmpeg = await detectFfmpeg(options.ffmpegPath);
  const buildDigest = new BuildDigest(options.ffmpegPath, log);
  const [codecs] = await Promise.all([listCodecs(ffmpeg.path, options.hardware), buildDigest.knownAtStart()]);
  const capacity =
    typeof options.capacityUnits === 'number'
      ? givenCapacity(options.capacityUnits)
      : new MeasuredCapacity({
          ...options.capacityUnits,
          ...{ ffmpeg, log, maxSessions: options.maxSessions },
          buildDigest: () => buildDigest.read(),
        });
  const { sessionsFile } = options;
  const journal = sessionsFile && new SessionJournal(sessionsFile, () => buildDigest.current(), log);
  const meter = new ResourceMeter();
  const registry = new SessionRegistry({
    encoderId: options.id,
    capacity,
    maxSessions: options.maxSessions,
    fencedReleaseMs: options.fencedReleaseMs ?? DEFAULT_FENCED_RELEASE_MS,
    ffmpeg,
    lowLatency: options.lowLatency,
    codecs,
    log,
    originUrls: options.gateways?.originUrls,
    relayUrls: options.gateways?.relayUrls,
    onPublishedBytes: (bytes) => meter.countSent(bytes),
    ...(journal && { onPublishing: (sessions) => journal.note(sessions) }),
  });

  const methods: EncoderMethods = {
    describe: async () => ({
      encoderId: options.id,
      region: options.region,
      zone: options.zone,
      version: ENCODER_HOST_VERSION,
      ffmpegVersion: ffmpeg.version,
      capacityUnits: capacity.units,
      maxSessions: options.maxSessions,
      buildDigest: await buildDigest.current(),
      ...(capacity.measured && { measuredCapacity: capacity.measured }),
      codecs,
      passedTracks: PASSED_TRACKS,
      hardware: options.hardware ?? [],
      hasSessionSecrets: true,
    }),
    getTelemetry: async () => {
      const { memoryMiB, ...usage } = await meter.measure(registry.ffmpegPids);
      return {
        atMs: Date.now(),
        ...usage,
        memoryMib: memoryMiB,
        unitsUsed: registry.unitsUsed,
        sessions: registry.measured((pid) => meter.cpuCoresOf(pid)).map(toWireSession),
      };
    },
    prepareSession: async (request) => {
      const order = parseOrRefuse(prepareSchema, request, 'session');
      const { secretSha256, ...session } = await registry.prepare(throughGateways(order, options.gateways));
      return { ...toWireSession(session), ...(secretSha256 !== undefined && { secretSha256 }) };
    },
    getSession: async (request) => {
      const { sessionId, waitFor, waitMs } = parseOrRefuse(getSchema, request, 'request');
      const session = registry.get(sessionId);
      if (waitFor === 'READY') await session.awaitReady(waitMs);
      return toWireSession(session.info);
    },
    commitSession: (request) => {
      const { sessionId, token, firstGop } = parseOrRefuse(commitSchema, request, 'commit');
      const session = registry.get(sessionId);
      session.commit(token, firstGop);
      return toWireSession(session.info);
    },
    releaseSession: (request) => {
      const { sessionId } = parseOrRefuse(releaseSchema, request, 'request');
      const released = registry.release(sessionId);
      return released ? toWireSession(released) : releasedSession(sessionId);
    },
  };

  await withinOrNull(MEASURE_BEFORE_SERVING_MS, capacity.settled);
  // Before it serves: who asks it finds the sessions there, and has nothing to recover.
  if (journal) {
    const { id: encoderId, gateways } = options;
    await resumeSessions(await journal.takeForResume(), { encoderId, gateways, registry, log });
  }
  const server = await serveEncoder(methods, options).catch((error: unknown) => {
    capacity.stop();
    registry.close();
    throw error;
  });
  const { port, address } = server;
  log.info(
    { address, ffmpeg: ffmpeg.version, capacityUnits: capacity.units, confined: confinement() },
    'encoder host serves',
  );

  return {
    port,
    address,
    info: {
      id: options.id,
      grpcAddress: address,
      region: options.region,
      zone: options.zone,
      version: ENCODER_HOST_VERSION,
      ffmpegVersion: ffmpeg.version,
      capacityUnits: capacity.units,
      maxSessions: options.maxSessions,
      codecs,
    },
    stop: async () => {
      capacity.stop();
      server.stopServing();
      registry.close();
      await Promise.all([server.close(), capacity.settled, journal && journal.close()]);
    },
  };
};
