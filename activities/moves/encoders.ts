import { cancellationSignal } from '@temporalio/activity';
import { SwarmError } from '../../src/domain';
import { monotonicMs } from '../../src/platform/clock';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { EncoderCalls, PreparedTarget, PrepareTargetRequest, Released } from '../kit/types';
import { requireAlive, sessionStarter } from './session-start';

const CALL_DEADLINE_MS = 1_500;
const READY_SLICE_MS = 2_000;
/** A target that is not ready by then has failed: it takes a fraction of a second on an idle host. */
const READY_WITHIN_MS = 15_000;

/** @throws SwarmError session-failed: it failed, or was not ready in time */
const awaitReady = async (
  client: EncoderCalls,
  encoderId: string,
  sessionId: string,
  signal: AbortSignal,
): Promise<void> => {
  const startedAtMs = monotonicMs();
  while (monotonicMs() - startedAtMs < READY_WITHIN_MS) {
    const session = await client.awaitReady(sessionId, READY_SLICE_MS, {
      deadlineMs: READY_SLICE_MS + CALL_DEADLINE_MS,
      signal,
    });
    if (session.ready) return;
    requireAlive(encoderId, session);
  }
  throw new SwarmError(
    'session-failed',
    `Session ${sessionId} on ${encoderId} was not ready within ${READY_WITHIN_MS} ms.`,
    'Check that the input of the channel is live and that the encoder is not overloaded.',
  );
};

/** Activities that work on encode sessions. Each may run twice: sessions are named by the workflow. */
export const encoderActivities = (dependencies: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  const { encoders } = dependencies;
  const prepare = sessionStarter(dependencies);

  return {
    /** Starts a session that holds what it makes, and waits until it is near the live edge. */
    prepareTarget: (request: PrepareTargetRequest): Promise<PreparedTarget> =>
      withHeartbeats(async (signal) => {
        const { encoderId, sessionId } = request;
        const { client, proof } = await prepare(request, signal);
        const startedAtMs = Date.now();
        await awaitReady(client, encoderId, sessionId, signal);
        return { ...proof, startedAtMs, atMs: Date.now() };
      }),

    /** The session publishes from now on, with this token. */
    async commitTarget(request: {
      encoderId: string;
      sessionId: string;
      token: number;
      firstGop: number;
    }): Promise<{ atMs: number }> {
      const { encoderId, sessionId, token, firstGop } = request;
      const client = await encoders.client(encoderId);
      const session = await client.commit(sessionId, token, firstGop, {
        deadlineMs: CALL_DEADLINE_MS,
        signal: cancellationSignal(),
      });
      requireAlive(encoderId, session);
      return { atMs: Date.now() };
    },

    /** Ends a session; one that its host does not know counts as ended. */
    async releaseSession(request: { encoderId: string; sessionId: string }): Promise<Released> {
      const client = await encoders.client(request.encoderId);
      await client.release(request.sessionId, { deadlineMs: CALL_DEADLINE_MS, signal: cancellationSignal() });
      return { atMs: Date.now() };
    },

    /** @throws SwarmError unknown-encoder */
    async assertEncoderKnown(request: { encoderId: string }): Promise<void> {
      await encoders.refresh();
      await encoders.client(request.encoderId);
    },
  };
};
