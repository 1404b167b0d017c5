import { cancellationSignal } from '@temporalio/activity';
import { SwarmError, type SessionInfo } from '../../src/domain';
import type { PrepareSession } from '../../src/contracts/encoder/requests';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import type {
  EncoderCalls,
  PreparedTarget,
  PrepareTargetRequest,
  Released,
  TakenOver,
  TakeOverRequest,
} from '../kit/types';

const CALL_DEADLINE_MS = 1_500;
/** Opening the feed and starting ffmpeg are part of the call. */
const PREPARE_DEADLINE_MS = 6_000;
const READY_SLICE_MS = 2_000;
/** A target that is not ready by then has failed: it takes a fraction of a second on an idle host. */
const READY_WITHIN_MS = 15_000;

const failureOf = (encoderId: string, { sessionId, state, failure }: SessionInfo): SwarmError =>
  new SwarmError(
    'session-failed',
    `Session ${sessionId} on ${encoderId} ${state}: ${failure?.message ?? 'no reason given'}`,
    'Look at the log of this encoder.',
  );

/** Activities that work on encode sessions. Each may run twice: sessions are named by the workflow. */
export const encoderActivities = ({
  originUrl,
  relayUrl,
  encoders,
}: Pick<Dependencies, 'originUrl' | 'relayUrl' | 'encoders'>) => {
  const origin = new OriginClient(originUrl);
  const relay = new RelayClient(relayUrl);

  const orderOf = ({ spec, sessionId, rungs, fromGop }: PrepareTargetRequest): PrepareSession => ({
    sessionId,
    channelId: spec.id,
    feedUrl: relay.feedUrl(spec.id),
    originUrl,
    gopDurationTicks: spec.gopDurationTicks,
    framesPerSecond: spec.framesPerSecond,
    renditions: spec.ladder.slice(0, rungs),
    fromGop,
  });

  const prepare = async (request: PrepareTargetRequest, signal: AbortSignal): Promise<EncoderCalls> => {
    const client = await encoders.client(request.encoderId);
    const session = await client.prepare(orderOf(request), { deadlineMs: PREPARE_DEADLINE_MS, signal });
    if (session.state === 'failed' || session.state === 'released')
      throw failureOf(request.encoderId, session);
    return client;
  };

  return {
    /** Starts a session that holds what it makes, and waits until it stands near the live edge. */
    prepareTarget: (request: PrepareTargetRequest): Promise<PreparedTarget> =>
      withHeartbeats(async (signal) => {
        const { encoderId, sessionId } = request;
        const client = await prepare(request, signal);
        const startedAtMs = Date.now();
        while (Date.now() - startedAtMs < READY_WITHIN_MS) {
          const session = await client.awaitReady(sessionId, READY_SLICE_MS, {
            deadlineMs: READY_SLICE_MS + CALL_DEADLINE_MS,
            signal,
          });
          if (session.ready) return { startedAtMs, atMs: Date.now() };
          if (session.state === 'failed' || session.state === 'released') throw failureOf(encoderId, session);
        }
        throw new SwarmError(
          'session-failed',
          `Session ${sessionId} on ${encoderId} was not ready within ${READY_WITHIN_MS} ms.`,
          'Check that the input of the channel is live and that the encoder is not overloaded.',
        );
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
      if (session.state === 'failed' || session.state === 'released') throw failureOf(encoderId, session);
      return { atMs: Date.now() };
    },

    /**
     * Recovery in one step, since each further one is time off air: fences the dead owner, starts a session
     * at the first missing GOP that the relay still has (one earlier, to warm its rate control), commits it.
     */
    takeOver: (request: TakeOverRequest): Promise<TakenOver> =>
      withHeartbeats(async (signal) => {
        const { spec, requestId, encoderId, sessionId, rungs, facts, gapReason, discontinuity } = request;
        const fromGop = Math.max(facts.nextGop, facts.oldestGop);
        const grant = await origin.own(
          {
            channelId: spec.id,
            requestId,
            expectToken: facts.token,
            owner: { encoderId, sessionId },
            fromGop,
            ...(fromGop > facts.nextGop && facts.hasPublished && { gapReason }),
            ...(discontinuity && { discontinuity }),
          },
          { signal },
        );
        const atMs = Date.now();
        const warmUpFromGop = Math.max(facts.oldestGop, grant.firstGop - 1);
        const client = await prepare({ spec, encoderId, sessionId, rungs, fromGop: warmUpFromGop }, signal);
        const startedAtMs = Date.now();
        const session = await client.commit(sessionId, grant.token, grant.firstGop, {
          deadlineMs: CALL_DEADLINE_MS,
          signal,
        });
        if (session.state === 'failed' || session.state === 'released') throw failureOf(encoderId, session);
        const gapsDeclared = facts.hasPublished ? Math.max(0, fromGop - facts.nextGop) : 0;
        return { ...grant, atMs, startedAtMs, gapsDeclared };
      }),

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
