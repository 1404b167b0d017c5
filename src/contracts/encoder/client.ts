import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import type { z } from 'zod';
import {
  SwarmError,
  whyNotEncodable,
  type EncoderInfo,
  type EncoderTelemetry,
  type SessionInfo,
} from '../../domain';
import { channelCredentials } from '../../platform/links/grpc';
import { faultsOf } from '../faults';
import {
  describeAnswerSchema,
  preparedAnswerSchema,
  sessionAnswerSchema,
  telemetryAnswerSchema,
  type PreparedSession,
} from './answers';
import { CHANNEL_OPTIONS } from './channel-options';
import { CONTRACT_VERSIONS, encoderContract, type ContractVersion } from './grpc-contract';
import { answeredGarbage, fromServiceError, isUnimplemented } from './grpc-errors';
import { watchHealth } from './health-watch';
import { partMetadata } from './part-metadata';
import { toWirePrepare, type PrepareSession } from './requests';

export interface CallOptions {
  deadlineMs?: number;
  /** Waits for a connection up to the deadline, where the last one has just been lost; default: fails at once. */
  waitForReady?: boolean;
  /** Cancels the call, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** `beyondVersion1`: why a host of version 1 can't be asked this. */
type InnerOptions = CallOptions & { beyondVersion1?: string };

/** Answer of a host that does not serve a version of the contract. */
const UNIMPLEMENTED = Symbol('unimplemented');

const DEFAULT_DEADLINE_MS = 5_000;
/** What an answer may take beyond the wait that was asked for. */
const WAIT_GRACE_MS = 2_000;
/** The longest wait that a host grants (protos/encoder.proto). */
const MAX_WAIT_MS = 30_000;

type UnaryCall = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, answer: unknown) => void,
) => { cancel(): void };

/**
 * One encoder host over gRPC, by version 2 of the contract or, where it does not serve that, by version 1. Every call has a
 * deadline and its answer is validated. Every method throws SwarmError:
 * the host's own code for a refusal, `encoder-unreachable` without an answer, `encoder-answered-garbage` for one
 * that breaks the contract.
 */
export class EncoderClient {
  private readonly clients = new Map<ContractVersion, Client>();
  /** Of the host, as far as it is known: asked for anew with each description, since hosts are upgraded. */
  private version: ContractVersion = CONTRACT_VERSIONS[0];

  constructor(readonly address: string) {}

  async describe(options?: CallOptions): Promise<EncoderInfo> {
    this.version = CONTRACT_VERSIONS[0];
    const answer = await this.call('describe', {}, describeAnswerSchema, options);
    return { ...answer, grpcAddress: this.address };
  }

  telemetry(options?: CallOptions): Promise<EncoderTelemetry> {
    return this.call('getTelemetry', {}, telemetryAnswerSchema, options);
  }

  /** @throws SwarmError encoder-incompatible, of itself, for what a host of version 1 would not understand */
  async prepare(request: PrepareSession, options?: CallOptions): Promise<PreparedSession> {
    const ofVersion1 = request.renditions.map((r) => whyNotEncodable({}, r));
    const beyond = ofVersion1.find((why) => why !== null);
    const call = { ...options, ...(beyond && { beyondVersion1: beyond }) };
    const order = toWirePrepare(request);
    const prepared = await this.call('prepareSession', order, preparedAnswerSchema, call);
    return this.requireSession(prepared, request.sessionId);
  }

  session(sessionId: string, options?: CallOptions): Promise<SessionInfo> {
    return this.callForSession('getSession', { sessionId }, sessionId, options);
  }

  /** Answers when the session is ready or over, or after `waitMs` (at most 30 s): look at `ready`. */
  awaitReady(sessionId: string, waitMs: number, options?: CallOptions): Promise<SessionInfo> {
    const granted = Math.min(waitMs, MAX_WAIT_MS);
    const request = { sessionId, waitFor: 'READY', waitMs: granted };
    const deadlineMs = granted + WAIT_GRACE_MS;
    return this.callForSession('getSession', request, sessionId, { deadlineMs, ...options });
  }

  commit(sessionId: string, token: number, firstGop: number, options?: CallOptions): Promise<SessionInfo> {
    return this.callForSession('commitSession', { sessionId, token, firstGop }, sessionId, options);
  }

  release(sessionId: string, options?: CallOptions): Promise<SessionInfo> {
    return this.callForSession('releaseSession', { sessionId }, sessionId, options);
  }

  /**
   * Tells whether the host serves: when first known, and at every change. A host that can't be reached does not
   * serve. Connects again by itself.
   * @returns ends the watch.
   */
  watchHealth(onChange: (serving: boolean) => void): () => void {
    return watchHealth(this.address, onChange);
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private async callForSession(
    method: string,
    request: object,
    sessionId: string,
    options?: InnerOptions,
  ): Promise<SessionInfo> {
    return this.requireSession(await this.call(method, request, sessionAnswerSchema, options), sessionId);
  }

  private requireSession<T extends SessionInfo>(info: T, sessionId: string): T {
    if (info.sessionId === sessionId) return info;
    throw answeredGarbage(this.address, `asked for session ${sessionId}, it answered for ${info.sessionId}`);
  }

  private async call<T extends z.ZodType>(
    method: string,
    request: object,
    schema: T,
    options: InnerOptions = {},
  ): Promise<z.output<T>> {
    options.signal?.throwIfAborted();
    const { deadlineMs = DEFAULT_DEADLINE_MS, beyondVersion1 } = options;
    const deadline = Date.now() + deadlineMs;
    // What version 1 can't say is not tried with a host that was of version 1 a while ago: it may be upgraded.
    const known = beyondVersion1 === undefined ? this.version : CONTRACT_VERSIONS[0];
    let answer = await this.ask(known, method, request, { ...options, deadline });
    if (answer === UNIMPLEMENTED && known === 2) {
      this.version = 1;
      if (beyondVersion1 !== undefined) throw ofVersion1(this.address, beyondVersion1);
      answer = await this.ask(1, method, request, { ...options, deadline });
    }
    if (answer === UNIMPLEMENTED)
      throw answeredGarbage(this.address, `${method} is not implemented in any version`);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw answeredGarbage(this.address, `bad answer to ${method}: ${faultsOf(parsed.error)}`);
  }

  /** One call; UNIMPLEMENTED where the host does not serve this version. @throws SwarmError */
  private ask(
    version: ContractVersion,
    method: string,
    request: object,
    { deadline, waitForReady = false, signal }: InnerOptions & { deadline: number },
  ): Promise<unknown> {
    const client = this.connected(version);
    const unary = (client as unknown as Record<string, UnaryCall>)[method]!;
    return new Promise<unknown>((resolve, reject) => {
      const metadata = partMetadata({ waitForReady });
      const call = unary.call(client, request, metadata, { deadline }, (error, value) => {
        signal?.removeEventListener('abort', cancel);
        if (!error) resolve(value);
        else if (signal?.aborted) reject(signal.reason as Error);
        else if (isUnimplemented(error)) resolve(UNIMPLEMENTED);
        else reject(fromServiceError(error, this.address));
      });
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  private connected(version: ContractVersion): Client {
    const known = this.clients.get(version);
    if (known) return known;
    const client = new (encoderContract(version))(this.address, channelCredentials(), CHANNEL_OPTIONS);
    this.clients.set(version, client);
    return client;
  }
}

const ofVersion1 = (address: string, why: string): SwarmError =>
  new SwarmError(
    'encoder-incompatible',
    `The encoder at ${address} ${why}.`,
    'Choose another encoder, or upgrade its host.',
  );

const clients = new Map<string, EncoderClient>();

/** The one long-lived client of an address in this process. */
export const encoderClientFor = (address: string): EncoderClient => {
  const known = clients.get(address);
  if (known) return known;
  const client = new EncoderClient(address);
  clients.set(address, client);
  return client;
};
