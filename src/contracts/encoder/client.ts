import { Metadata, credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import type { z } from 'zod';
import type { EncoderInfo, EncoderTelemetry, SessionInfo } from '../../domain';
import { faultsOf } from '../faults';
import { describeAnswerSchema, sessionAnswerSchema, telemetryAnswerSchema } from './answers';
import { CHANNEL_OPTIONS } from './channel-options';
import { encoderContract } from './grpc-contract';
import { answeredGarbage, fromServiceError } from './grpc-errors';
import { watchHealth } from './health-watch';
import { toWirePrepare, type PrepareSession } from './requests';

export interface CallOptions {
  deadlineMs?: number;
  /** Waits for a connection up to the deadline, where the last one has just been lost; default: fails at once. */
  waitForReady?: boolean;
  /** Cancels the call, which then throws the signal's reason. */
  signal?: AbortSignal;
}

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
 * One encoder host over gRPC. Every call has a deadline and its answer is validated. Every method throws SwarmError:
 * the host's own code for a refusal, `encoder-unreachable` without an answer, `encoder-answered-garbage` for one
 * that breaks the contract.
 */
export class EncoderClient {
  private client: Client | null = null;

  constructor(readonly address: string) {}

  async describe(options?: CallOptions): Promise<EncoderInfo> {
    const answer = await this.call('describe', {}, describeAnswerSchema, options);
    return { ...answer, grpcAddress: this.address };
  }

  telemetry(options?: CallOptions): Promise<EncoderTelemetry> {
    return this.call('getTelemetry', {}, telemetryAnswerSchema, options);
  }

  prepare(request: PrepareSession, options?: CallOptions): Promise<SessionInfo> {
    return this.callForSession('prepareSession', toWirePrepare(request), request.sessionId, options);
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
    this.client?.close();
    this.client = null;
  }

  private async callForSession(
    method: string,
    request: object,
    sessionId: string,
    options?: CallOptions,
  ): Promise<SessionInfo> {
    const info = await this.call(method, request, sessionAnswerSchema, options);
    if (info.sessionId === sessionId) return info;
    throw answeredGarbage(this.address, `asked for session ${sessionId}, it answered for ${info.sessionId}`);
  }

  private async call<T extends z.ZodType>(
    method: string,
    request: object,
    schema: T,
    { deadlineMs = DEFAULT_DEADLINE_MS, waitForReady = false, signal }: CallOptions = {},
  ): Promise<z.output<T>> {
    signal?.throwIfAborted();
    const client = this.connected();
    const unary = (client as unknown as Record<string, UnaryCall>)[method]!;
    const answer = await new Promise<unknown>((resolve, reject) => {
      const deadline = Date.now() + deadlineMs;
      const metadata = new Metadata({ waitForReady });
      const call = unary.call(client, request, metadata, { deadline }, (error, value) => {
        signal?.removeEventListener('abort', cancel);
        if (!error) resolve(value);
        else if (signal?.aborted) reject(signal.reason as Error);
        else reject(fromServiceError(error, this.address));
      });
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw answeredGarbage(this.address, `bad answer to ${method}: ${faultsOf(parsed.error)}`);
  }

  private connected(): Client {
    this.client ??= new (encoderContract())(this.address, credentials.createInsecure(), CHANNEL_OPTIONS);
    return this.client;
  }
}

const clients = new Map<string, EncoderClient>();

/** The one long-lived client of an address in this process. */
export const encoderClientFor = (address: string): EncoderClient => {
  const known = clients.get(address);
  if (known) return known;
  const client = new EncoderClient(address);
  clients.set(address, client);
  return client;
};
