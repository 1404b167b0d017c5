import { sessionOrder } from '../../src/contracts/encoder/requests';
import { SwarmError, type SessionInfo } from '../../src/domain';
import type { Dependencies } from '../kit/dependencies';
import type { EncoderCalls, PrepareTargetRequest } from '../kit/types';

/** Opening the feed and starting ffmpeg are part of the call. */
const PREPARE_DEADLINE_MS = 6_000;

/** @throws SwarmError session-failed where a session can't publish any more */
export const requireAlive = (encoderId: string, session: SessionInfo): void => {
  const { sessionId, state, failure } = session;
  if (state !== 'failed' && state !== 'released') return;
  throw new SwarmError(
    'session-failed',
    `Session ${sessionId} on ${encoderId} ${state}: ${failure?.message ?? 'no reason given'}`,
    'Look at the log of this encoder.',
  );
};

/** A session that was started. */
interface StartedSession {
  /** Calls to its host. */
  client: EncoderCalls;
  /** What the origin is to know of the secret that it shows; nothing where it has none. */
  proof: { ownerSecretSha256?: string };
}

/** Starts a session that holds what it makes. */
export const sessionStarter = ({
  origin,
  relay,
  encoders,
}: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  return async (request: PrepareTargetRequest, signal: AbortSignal): Promise<StartedSession> => {
    const { spec, encoderId, sessionId, rungs, fromGop } = request;
    const client = await encoders.client(encoderId);
    const session = await client.prepare(
      sessionOrder(
        spec,
        { sessionId, feedUrl: relay.feedUrl(spec.id), originUrl: origin.url, fromGop },
        rungs,
      ),
      { deadlineMs: PREPARE_DEADLINE_MS, signal },
    );
    requireAlive(encoderId, session);
    const { secretSha256 } = session;
    return { client, proof: secretSha256 === undefined ? {} : { ownerSecretSha256: secretSha256 } };
  };
};
