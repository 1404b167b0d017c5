import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { TakenOver, TakeOverRequest } from '../kit/types';
import { requireAlive, sessionStarter } from './session-start';

const CALL_DEADLINE_MS = 1_500;

/**
 * A host that was restarted between two attempts has the session anew, with another secret: that is another request. It is
 * refused for its token where the first one got through, and the recovery goes on with the next encoder.
 */
const requestOf = (requestId: string, secretSha256 = ''): string =>
  secretSha256 === '' ? requestId : `${requestId}/${secretSha256.slice(0, 16)}`;

/** The activity of a recovery. */
export const takeOverActivities = (dependencies: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  const { origin } = dependencies;
  const prepare = sessionStarter(dependencies);

  return {
    /**
     * Recovery in one step, since each further one is time off air: starts a session at the first missing GOP that the
     * relay still has (one earlier, to warm its rate control), makes it the owner, which fences the dead one, and commits
     * it. The session comes first, as the origin is to know the digest of its secret.
     */
    takeOver: (request: TakeOverRequest): Promise<TakenOver> =>
      withHeartbeats(async (signal) => {
        const { spec, requestId, encoderId, sessionId, rungs, facts, gapReason, discontinuity } = request;
        const fromGop = Math.max(facts.nextGop, facts.oldestGop);
        const warmUpFromGop = Math.max(facts.oldestGop, fromGop - 1);
        const order = { spec, encoderId, sessionId, rungs, fromGop: warmUpFromGop };
        const { client, proof } = await prepare(order, signal);
        const startedAtMs = Date.now();
        const grant = await origin.own(
          {
            channelId: spec.id,
            requestId: requestOf(requestId, proof.ownerSecretSha256),
            ...proof,
            expectToken: facts.token,
            owner: { encoderId, sessionId },
            fromGop,
            ...(fromGop > facts.nextGop && facts.hasPublished && { gapReason }),
            ...(discontinuity && { discontinuity }),
          },
          { signal },
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
