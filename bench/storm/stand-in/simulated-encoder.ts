import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { releasedSession, toWireSession } from '../../../src/contracts/encoder/answers';
import {
  commitSchema,
  getSchema,
  prepareSchema,
  releaseSchema,
} from '../../../src/contracts/encoder/requests';
import { DEFAULT_CODEC, SwarmError, type SessionInfo } from '../../../src/domain';
import { serveEncoder, type EncoderMethods } from '../../../src/media/encoder/grpc-server';
import { parseOrRefuse } from '../../../src/platform/http';
import type { Logger } from '../../../src/platform/logger';
import type { AcceptedPut, Commit } from './contract';
import { faultOf } from './encoder-faults';
import type { GopClock } from './gop-clock';
import { SimulatedSession } from './simulated-session';
import type { TinyGops } from './tiny-gops';

/** Beyond the deadline of a commit (activities/encoders.ts). */
const SLOW_COMMIT_MS = 1_800;
const READY_POLL_MS = 20;
const FAILED_KEPT_MS = 300_000;

export interface SimulatedEncoderOptions {
  id: string;
  zone: string;
  host: string;
  port: number;
  seed: number;
  clock: GopClock;
  gops: TinyGops;
  impersonates: () => boolean;
  accepted: AcceptedPut[];
  commits: Commit[];
  log: Logger;
}

/** An encoder host by the contract of protos/encoder.proto whose sessions encode nothing. */
export class SimulatedEncoder {
  private readonly known = new Map<string, SimulatedSession>();

  private constructor(private readonly options: SimulatedEncoderOptions) {}

  static async start(options: SimulatedEncoderOptions): Promise<SimulatedEncoder> {
    const encoder = new SimulatedEncoder(options);
    const server = await serveEncoder(encoder.methods, options);
    encoder.stop = () => server.close();
    return encoder;
  }

  stop: () => Promise<void> = async () => undefined;

  get id(): string {
    return this.options.id;
  }

  get sessions(): SessionInfo[] {
    return [...this.known.values()].map((session) => session.info);
  }

  private readonly methods: EncoderMethods = {
    describe: () => ({
      encoderId: this.options.id,
      region: 'eu',
      zone: this.options.zone,
      version: 'simulated',
      ffmpegVersion: 'none',
      capacityUnits: 10_000,
      maxSessions: 10_000,
      buildDigest: '',
      codecs: [{ codec: DEFAULT_CODEC, pixelFormats: ['yuv420p'] }],
    }),
    getTelemetry: () => ({
      atMs: Date.now(),
      cpuCores: 0.1,
      memoryMib: 100,
      networkKbps: 100,
      unitsUsed: [...this.known.values()].reduce((sum, s) => sum + (s.active ? s.units : 0), 0),
      sessions: this.sessions.map(toWireSession),
    }),
    prepareSession: (request) => {
      const spec = parseOrRefuse(prepareSchema, request, 'session');
      const known = this.known.get(spec.sessionId);
      if (known && !isDeepStrictEqual(known.spec, spec)) {
        throw new SwarmError('conflict', `Session ${spec.sessionId} exists with other content.`);
      }
      if (known) return toWireSession(known.info);
      const { seed, clock, gops, accepted, id } = this.options;
      const fault = faultOf(seed, spec.sessionId);
      if (fault === 'full') throw new SwarmError('encoder-full', `Encoder ${id} is full, it says.`);
      const session = new SimulatedSession({
        ...{ spec, fault, clock, gops },
        encoderId: id,
        impersonates: this.options.impersonates(),
        onAccepted: (put) => accepted.push(put),
        onReleased: () => this.known.delete(spec.sessionId),
        onFailed: () => setTimeout(() => this.known.delete(spec.sessionId), FAILED_KEPT_MS).unref(),
      });
      this.known.set(spec.sessionId, session);
      return toWireSession(session.info);
    },
    getSession: async (request) => {
      const { sessionId, waitFor, waitMs } = parseOrRefuse(getSchema, request, 'request');
      const session = this.get(sessionId);
      const deadline = Date.now() + (waitFor === 'READY' ? waitMs : 0);
      while (session.active && !session.info.ready && Date.now() < deadline) await sleep(READY_POLL_MS);
      return toWireSession(session.info);
    },
    commitSession: async (request) => {
      const { sessionId, token, firstGop } = parseOrRefuse(commitSchema, request, 'commit');
      const session = this.get(sessionId);
      const isNew = token > session.info.token;
      session.commit(token, firstGop);
      if (isNew) this.options.commits.push({ channelId: session.spec.channelId, sessionId, token });
      if (isNew && faultOf(this.options.seed, sessionId) === 'slow-commit') await sleep(SLOW_COMMIT_MS);
      return toWireSession(session.info);
    },
    releaseSession: (request) => {
      const { sessionId } = parseOrRefuse(releaseSchema, request, 'request');
      const session = this.known.get(sessionId);
      if (!session) return releasedSession(sessionId);
      session.release();
      return toWireSession(session.info);
    },
  };

  private get(sessionId: string): SimulatedSession {
    const session = this.known.get(sessionId);
    if (session) return session;
    throw new SwarmError('unknown-session', `Encoder ${this.options.id} has no session ${sessionId}.`);
  }
}
