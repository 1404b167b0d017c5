import { WorkflowNotFoundError } from '@temporalio/common';
import type { OriginChannel } from '../../src/contracts/origin';
import {
  SwarmError,
  channelControl,
  failureOf,
  swarmControl,
  type ChannelChangeRequest,
  type ChannelSpec,
  type CordonRequest,
  type MoveFailure,
  type MoveRequest,
  type MoveResult,
  type RecoverRequest,
} from '../../src/domain';
import { deadlinesMs } from '../../src/observation/deadlines';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { Acceptance, DrainedChannel } from '../kit/types';
import { UpdateClient, updateRefusal } from '../kit/update-client';

/** Refusals that may pass: the same request can succeed later. */
const ASK_AGAIN = new Set(['move-in-progress', 'conflict', 'stale-token', 'timeout', 'unavailable']);

const notMoved = (channelId: string, { code, message }: MoveFailure): DrainedChannel => ({
  channelId,
  moved: false,
  retry: ASK_AGAIN.has(code),
  code,
  why: `${code}: ${message}`,
});

/** Activities by which workflows ask channels, which alone move themselves. */
const channelRequestActivities = (updates: UpdateClient) => {
  return {
    requestMove: (r: { channelId: string; request: MoveRequest }): Promise<Acceptance> =>
      updates.ask(r.channelId, channelControl.move, r.request),

    requestRegistration: (r: { channelId: string; requestId: string }): Promise<Acceptance> =>
      updates.ask(r.channelId, channelControl.registerAgain, { requestId: r.requestId }),

    requestRecovery: (r: { channelId: string; request: RecoverRequest }): Promise<Acceptance> =>
      updates.ask(r.channelId, channelControl.recover, r.request),

    /** Changes a channel on air; answers what it is then. @throws SwarmError the channel's refusal */
    requestChange: (r: { channelId: string; request: ChannelChangeRequest }): Promise<ChannelSpec> =>
      withHeartbeats(async () => {
        try {
          return await updates
            .channel(r.channelId)
            .executeUpdate<ChannelSpec, [ChannelChangeRequest]>(channelControl.change, {
              args: [r.request],
              updateId: r.request.requestId,
            });
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
          throw new SwarmError('unknown-channel', `There is no channel ${r.channelId}.`);
        }
      }),

    /** False where the channel has no workflow any more, so that there is nothing to ask. */
    requestRemoval: (r: { channelId: string; requestId: string }): Promise<{ found: boolean }> =>
      withHeartbeats(async () => {
        try {
          await updates.channel(r.channelId).executeUpdate(channelControl.remove, { updateId: r.requestId });
          return { found: true };
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return { found: false };
          throw error;
        }
      }),

    /** Moves one channel and waits for the end of it. */
    moveAndWait: (r: { channelId: string; request: MoveRequest }): Promise<DrainedChannel> =>
      withHeartbeats(async () => {
        const { channelId, request } = r;
        try {
          const result = await updates
            .channel(channelId)
            .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, {
              args: [request],
              updateId: request.requestId,
            });
          const failure = failureOf(result);
          return failure ? notMoved(channelId, failure) : { channelId, moved: true, retry: false };
        } catch (error) {
          return notMoved(channelId, updateRefusal(error));
        }
      }),
  };
};

/** Activities on the channels of one encoder. */
const encoderChannelActivities = ({ origin }: Pick<Dependencies, 'origin'>, updates: UpdateClient) => {
  const channelsOwnedBy = async (encoderId: string): Promise<OriginChannel[]> =>
    (await origin.channels({ timeoutMs: deadlinesMs.owners })).filter(
      (c) => c.owner?.encoderId === encoderId,
    );

  return {
    /** Asks every channel of a lost encoder to recover, all at once; none waits for another. */
    async recoverChannelsOf(r: {
      encoderId: string;
      evidence: string;
      atMs: number;
    }): Promise<({ channelId: string } & Acceptance)[]> {
      const { encoderId, evidence, atMs } = r;
      const lost = await channelsOwnedBy(encoderId);
      return Promise.all(
        lost.map(async ({ id, owner }) => {
          const lostSessionId = owner?.sessionId ?? null;
          const answer = await updates.ask(id, channelControl.recover, {
            requestId: `lost-${lostSessionId}`,
            reason: 'encoder-lost',
            lostEncoderId: encoderId,
            lostSessionId,
            evidence,
            requestedAtMs: atMs,
          } satisfies RecoverRequest);
          return { channelId: id, ...answer };
        }),
      );
    },

    async channelsOn(r: { encoderId: string }): Promise<string[]> {
      return (await channelsOwnedBy(r.encoderId)).map((c) => c.id);
    },
  };
};

/** Activities by which workflows ask the swarm. */
const swarmRequestActivities = (updates: UpdateClient) => {
  return {
    async requestDrain(r: CordonRequest): Promise<void> {
      await withHeartbeats(() =>
        updates.swarm().executeUpdate<void, [CordonRequest]>(swarmControl.drain, {
          args: [r],
          updateId: `drain-${r.encoderId}-${r.requestedBy}`,
        }),
      );
    },

    async requestCordon(r: CordonRequest): Promise<void> {
      await updates.swarm().executeUpdate<void, [CordonRequest]>(swarmControl.cordon, { args: [r] });
    },

    /** Done too where the encoder has left with its cordon: an attempt whose answer was lost may have lifted it. */
    async requestUncordon(r: CordonRequest): Promise<void> {
      try {
        await updates.swarm().executeUpdate<void, [CordonRequest]>(swarmControl.uncordon, { args: [r] });
      } catch (error) {
        if (updateRefusal(error).code !== 'unknown-encoder') throw error;
      }
    },
  };
};

/** Activities by which workflows ask others: the channels and the swarm. */
export const requestActivities = (dependencies: Pick<Dependencies, 'cell' | 'origin' | 'temporal'>) => {
  const updates = new UpdateClient(dependencies);
  return {
    ...channelRequestActivities(updates),
    ...encoderChannelActivities(dependencies, updates),
    ...swarmRequestActivities(updates),
  };
};
