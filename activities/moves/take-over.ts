import type { OwnAnswer, OwnRequest } from '../../src/contracts/origin';
import { NOBODYS_SECRET_SHA256, SwarmError, asOriginsFault, passingCodes } from '../../src/domain';
import { retried } from '../../src/platform/retry';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { TakenOver, TakeOverRequest } from '../kit/types';
import { requireAlive, sessionStarter } from './session-start';

const CALL_DEADLINE_MS = 1_500;
/** An origin that restarts is back by then; the encoder has begun meanwhile. */
const ORIGIN_AWAY = { firstMs: 100, longestMs: 500, patienceMs: 5_000 };

/**
 * A host that was restarted between two attempts has the session anew, with another secret: that is another request. It is
 * refused for its token where the first one got through, and the recovery goes on with the next encoder.
 */
const requestOf = (requestId: string, secretSha256 = 'none'): string =>
  `${requestId}/${secretSha256.slice(0, 16)}`;

/** The activity of a recovery. */
export const takeOverActivities = (dependencies: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  const { origin } = dependencies;
  const prepare = sessionStarter(dependencies);

  /** @throws SwarmError; one that is the origin's own is told apart from what the encoder is to blame for */
  const own = async (
    request: OwnRequest & { channelId: string },
    signal: AbortSignal,
  ): Promise<OwnAnswer> => {
    const isTransient = (error: unknown): boolean =>
      error instanceof SwarmError && error.code === 'unavailable';
    try {
      return await retried(() => origin.own(request, { signal }), { ...ORIGIN_AWAY, isTransient, signal });
    } catch (error) {
      if (!(error instanceof SwarmError) || !passingCodes.has(error.code)) throw error;
      throw asOriginsFault(error);
    }
  };

  return {
    /**
     * Recovery in one step, since each further one is time off air: fences the dead owner, starts a session at the first
     * missing GOP that the relay still has (one earlier, to warm its rate control), commits it. The new owner is entered
     * first, so that whoever drains its encoder meanwhile finds the channel there, and can't publish yet; and again with the
     * digest of the secret that the session shows, once it is known.
     */
    takeOver: (request: TakeOverRequest): Promise<TakenOver> =>
      withHeartbeats(async (signal) => {
        const { spec, requestId, encoderId, sessionId, rungs, facts, gapReason, discontinuity } = request;
        const fromGop = Math.max(facts.nextGop, facts.oldestGop);
        const owner = { encoderId, sessionId };
        const fenced = await own(
          {
            ...{ channelId: spec.id, requestId, expectToken: facts.token, owner, fromGop },
            ownerSecretSha256: NOBODYS_SECRET_SHA256,
            ...(fromGop > facts.nextGop && facts.hasPublished && { gapReason }),
            ...(discontinuity && { discontinuity }),
          },
          signal,
        );
        const warmUpFromGop = Math.max(facts.oldestGop, fenced.firstGop - 1);
        const order = { spec, encoderId, sessionId, rungs, fromGop: warmUpFromGop };
        const { client, proof } = await prepare(order, signal);
        const startedAtMs = Date.now();
        const { ownerSecretSha256 } = proof;
        const grant = await own(
          {
            ...{ channelId: spec.id, requestId: requestOf(requestId, ownerSecretSha256), owner },
            ...{ expectToken: fenced.token, fromGop: fenced.firstGop },
            ...(ownerSecretSha256 !== undefined && { ownerSecretSha256 }),
            ...(discontinuity && { discontinuity }),
          },
          signal,
        );
        const atMs = Date.now();
        const session = await client.commit(sessionId, grant.token, grant.firstGop, {
          deadlineMs: CALL_DEADLINE_MS,
          signal,
        });
        requireAlive(encoderId, session);
        const gapsDeclared = facts.hasPublished ? Math.max(0, fromGop - facts.nextGop) : 0;
        return { ...grant, atMs, startedAtMs, gapsDeclared };
      }),
  };
};
