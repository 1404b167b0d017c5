import { cancellationSignal } from '@temporalio/activity';
import type { Owner } from '../../src/domain';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type {
  Ownership,
  ReturnedOwnership,
  ReturnOwnershipRequest,
  TakeOwnershipRequest,
} from '../kit/types';

const OWN_TIMEOUT_MS = 2_000;

/** Activities on who may publish a channel. */
export const originActivities = ({ origin }: Pick<Dependencies, 'origin'>) => {
  return {
    /** The commit point of every move. */
    async takeOwnership(request: TakeOwnershipRequest): Promise<Ownership> {
      const grant = await origin.own(request, { timeoutMs: OWN_TIMEOUT_MS, signal: cancellationSignal() });
      return { ...grant, atMs: Date.now() };
    },

    /**
     * Undoes takeOwnership. Where that call's fate is unknown it may still be on its way to the origin, so the
     * source is made owner again in any case: the higher token refuses the late one. Where a third party
     * owns the channel by now, nothing is changed.
     */
    returnOwnership: (request: ReturnOwnershipRequest): Promise<ReturnedOwnership> =>
      withHeartbeats(async (signal) => {
        const { channelId, requestId, from, to, tokenBefore, discontinuity } = request;
        const options = { timeoutMs: OWN_TIMEOUT_MS, signal };
        const { token, owner, nextGop } = await origin.channel(channelId, options);
        const owns = (session: Owner): boolean => owner?.sessionId === session.sessionId;
        if (!owns(from) && !owns(to)) return { granted: null, atMs: Date.now() };
        const isRetry = owns(to) && token > tokenBefore;
        const granted = isRetry
          ? { token, firstGop: nextGop }
          : await origin.own(
              {
                ...{ channelId, requestId, expectToken: token, owner: to, fromGop: nextGop },
                ...(discontinuity && { discontinuity }),
              },
              options,
            );
        return { granted, atMs: Date.now() };
      }),
  };
};
