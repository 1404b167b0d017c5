import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { releasedSession, toWireSession } from '../../../src/contracts/encoder/answers';
import {
  commitSchema,
  getSchema,
  prepareSchema,
  releaseSchema,
  type PrepareSession,
} from '../../../src/contracts/encoder/requests';
import { DEFAULT_CODEC, SwarmError, renditionUnits, type SessionInfo } from '../../../src/domain';
import type { EncoderMethods } from '../../../src/media/encoder/grpc-server';
import { parseOrRefuse } from '../../../src/platform/http';
import type { SimulatedChannel } from './simulated-channel';

const MEMORY_MIB = 100;
const NETWORK_KBPS_PER_SESSION = 2_000;

interface Session {
  order: PrepareSession;
  units: number;
  state: 'holding' | 'publishing';
  token: number;
  firstGop: number;
}

export interface SimulatedEncoderOptions {
  id: string;
  zone: string;
  capacityUnits: number;
  maxSessions: number;
  /** @throws SwarmError unknown-channel */
  channel: (id: string) => SimulatedChannel;
}

const secretOf = (sessionId: string): string =>
  createHash('sha256').update(`secret ${sessionId}`).digest('hex');

/** An encoder host by the contract of protos/encoder.proto, whose sessions are ready at once and encode nothing. */
export class SimulatedEncoder {
  private readonly sessions = new Map<string, Session>();
  private unitsUsed = 0;

  constructor(private readonly options: SimulatedEncoderOptions) {}

  get id(): string {
    return this.options.id;
  }

  /** The first GOP that a session publishes with a token; undefined: it does not. */
  publishesFrom(sessionId: string, token: number): number | undefined {
    const session = this.sessions.get(sessionId);
    return session?.state === 'publishing' && session.token === token ? session.firstGop : undefined;
  }

  /** @throws SwarmError encoder-full; conflict: the id with other content */
  prepare(order: PrepareSession): void {
    const known = this.sessions.get(order.sessionId);
    if (known && !isDeepStrictEqual(known.order, order))
      throw new SwarmError('conflict', `Session ${order.sessionId} exists with other content.`);
    if (known) return;
    const { id, capacityUnits, maxSessions } = this.options;
    const units = order.renditions.reduce((sum, r) => sum + renditionUnits(r, order.framesPerSecond), 0);
    if (this.sessions.size >= maxSessions || this.unitsUsed + units > capacityUnits)
      throw new SwarmError('encoder-full', `Encoder ${id} has ${this.sessions.size} sessions.`);
    this.sessions.set(order.sessionId, { order, units, state: 'holding', token: 0, firstGop: 0 });
    this.unitsUsed += units;
  }

  /** @throws SwarmError unknown-session, stale-token */
  commit(sessionId: string, token: number, firstGop: number): void {
    const session = this.session(sessionId);
    if (token < session.token) throw new SwarmError('stale-token', `Session ${sessionId} has a newer token.`);
    Object.assign(session, { state: 'publishing', token, firstGop });
  }

  readonly methods: EncoderMethods = {
    describe: () => ({
      encoderId: this.options.id,
      region: 'eu',
      zone: this.options.zone,
      version: 'simulated',
      ffmpegVersion: 'none',
      capacityUnits: this.options.capacityUnits,
      maxSessions: this.options.maxSessions,
      buildDigest: '',
      codecs: [{ codec: DEFAULT_CODEC, pixelFormats: ['yuv420p'] }],
      hasSessionSecrets: true,
    }),
    getTelemetry: () => ({
      atMs: Date.now(),
      cpuCores: this.unitsUsed / 10,
      memoryMib: MEMORY_MIB,
      networkKbps: NETWORK_KBPS_PER_SESSION * this.sessions.size,
      unitsUsed: this.unitsUsed,
      sessions: [...this.sessions.values()].map((session) => toWireSession(this.infoOf(session))),
    }),
    prepareSession: (request) => {
      const order = parseOrRefuse(prepareSchema, request, 'session');
      this.options.channel(order.channelId);
      this.prepare(order);
      const session = this.session(order.sessionId);
      return { ...toWireSession(this.infoOf(session)), secretSha256: secretOf(order.sessionId) };
    },
    getSession: (request) => {
      const { sessionId } = parseOrRefuse(getSchema, request, 'request');
      return toWireSession(this.infoOf(this.session(sessionId)));
    },
    commitSession: (request) => {
      const { sessionId, token, firstGop } = parseOrRefuse(commitSchema, request, 'commit');
      this.commit(sessionId, token, firstGop);
      return toWireSession(this.infoOf(this.session(sessionId)));
    },
    releaseSession: (request) => {
      const { sessionId } = parseOrRefuse(releaseSchema, request, 'request');
      const session = this.sessions.get(sessionId);
      if (!session) return releasedSession(sessionId);
      this.sessions.delete(sessionId);
      this.unitsUsed -= session.units;
      return toWireSession({ ...this.infoOf(session), state: 'released' });
    },
  };

  private infoOf({ order, units, state, token, firstGop }: Session): SessionInfo {
    const { sessionId, channelId, renditions, fromGop } = order;
    const channel = this.options.channel(channelId);
    const nextGop = channel.nextGopAt(Date.now());
    const isOwner = state === 'publishing' && channel.token === token;
    return {
      ...{ sessionId, channelId, token, units, fromGop },
      state: state === 'publishing' && !isOwner ? 'fenced' : state,
      renditions: renditions.map(({ name }) => name),
      lastEncodedGop: nextGop - 1,
      lastPublishedGop: isOwner && nextGop > firstGop ? nextGop - 1 : -1,
      ready: true,
      realTimeRatio: 1,
      lateGops: 0,
      cpuCores: units / 10,
    };
  }

  /** @throws SwarmError unknown-session */
  private session(sessionId: string): Session {
    const session = this.sessions.get(sessionId);
    if (session) return session;
    throw new SwarmError('unknown-session', `Encoder ${this.options.id} has no session ${sessionId}.`);
  }
}
