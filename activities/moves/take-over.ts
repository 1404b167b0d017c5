import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { TakenOver, TakeOverRequest } from '../kit/types';
import { requireAlive, sessionStarter } from './session-start';

const CALL_DEADLINE_MS = 1_500;

/** The activity of a recovery. */
export const takeOverActivities = (dependencies: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  const { origin } = dependencies;
  const prepare = sessionStarter(dependencies);

  return {
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
        requireAlive(encoderId, session);
        const gapsDeclared = facts.hasPublished ? Math.max(0, fromGop - facts.nextGop) : 0;
        return { ...grant, atMs, startedAtMs, gapsDeclared };
      }),
  };
};
