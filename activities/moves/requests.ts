import {
  WorkflowUpdateFailedError,
  WorkflowUpdateStage,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import {
  channelControl,
  channelWorkflowId,
  fromFailureFields,
  swarmControl,
  swarmWorkflowId,
  type CordonRequest,
  type MoveRequest,
  type MoveResult,
  type RecoverRequest,
} from '../../src/domain';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import { OriginClient } from '../../src/contracts/origin';
import { refusingClient } from '../kit/refusing-client';
import type { Acceptance, DrainedChannel } from '../kit/types';

const REQUEST_DEADLINE_MS = 3_000;
const ORIGIN_TIMEOUT_MS = 2_000;
/** Refusals that say "not now". */
const ASK_AGAIN = new Set(['move-in-progress', 'conflict', 'stale-token', 'timeout', 'unavailable']);

/** The refusal that an Update failed with; anything else is thrown on. */
const updateRefusal = (error: unknown): { code: string; message: string } => {
  if (error instanceof WorkflowNotFoundError) return { code: 'unknown-channel', message: error.message };
  if (!(error instanceof WorkflowUpdateFailedError)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return fromFailureFields(cause);
  return { code: 'internal', message: cause?.message ?? error.message };
};

/** Activities by which workflows ask others: the channels, which alone move themselves, and the swarm. */
export const requestActivities = ({
  cell,
  originUrl,
  temporal,
}: Pick<Dependencies, 'cell' | 'originUrl' | 'temporal'>) => {
  const origin = new OriginClient(originUrl);
  const refusing = new WeakMap<Client, Client>();
  /** One for each client of the worker, which has a new one after it lost its server for long. */
  const updates = (): Client => {
    const plain = temporal();
    const client = refusing.get(plain) ?? refusingClient(plain);
    refusing.set(plain, client);
    return client;
  };
  const channel = (channelId: string): WorkflowHandle =>
    updates().workflow.getHandle(channelWorkflowId(channelId));
  const swarm = (): WorkflowHandle => updates().workflow.getHandle(swarmWorkflowId(cell));

  /** Waits until the channel accepts or refuses, not until it has done what was asked. */
  const ask = async <R extends { requestId: string }>(
    channelId: string,
    update: string,
    request: R,
  ): Promise<Acceptance> => {
    try {
      await updates().withDeadline(Date.now() + REQUEST_DEADLINE_MS, () =>
        channel(channelId).startUpdate<unknown, [R]>(update, {
          args: [request],
          updateId: request.requestId,
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        }),
      );
      return { accepted: true };
    } catch (error) {
      const { code, message } = updateRefusal(error);
      return { accepted: false, why: `${code}: ${message}` };
    }
  };

  const channelsOwnedBy = async (encoderId: string) =>
    (await origin.channels({ timeoutMs: ORIGIN_TIMEOUT_MS })).filter((c) => c.owner?.encoderId === encoderId);

  return {
    requestMove: (r: { channelId: string; request: MoveRequest }): Promise<Acceptance> =>
      ask(r.channelId, channelControl.move, r.request),

    requestRegistration: (r: { channelId: string; requestId: string }): Promise<Acceptance> =>
      ask(r.channelId, channelControl.registerAgain, { requestId: r.requestId }),

    requestRecovery: (r: { channelId: string; request: RecoverRequest }): Promise<Acceptance> =>
      ask(r.channelId, channelControl.recover, r.request),

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
          const answer = await ask(id, channelControl.recover, {
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

    /** False where the channel has no workflow any more, so that nobody is there to ask. */
    requestRemoval: (r: { channelId: string; requestId: string }): Promise<{ found: boolean }> =>
      withHeartbeats(async () => {
        try {
          await channel(r.channelId).executeUpdate(channelControl.remove, { updateId: r.requestId });
          return { found: true };
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return { found: false };
          throw error;
        }
      }),

    async channelsOn(r: { encoderId: string }): Promise<string[]> {
      return (await channelsOwnedBy(r.encoderId)).map((c) => c.id);
    },

    /** Moves one channel and waits for the end of it. */
    moveAndWait: (r: { channelId: string; request: MoveRequest }): Promise<DrainedChannel> =>
      withHeartbeats(async () => {
        const { channelId, request } = r;
        try {
          await channel(channelId).executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, {
            args: [request],
            updateId: request.requestId,
          });
          return { channelId, moved: true, retry: false };
        } catch (error) {
          const { code, message } = updateRefusal(error);
          return { channelId, moved: false, retry: ASK_AGAIN.has(code), why: `${code}: ${message}` };
        }
      }),

    async requestDrain(r: CordonRequest): Promise<void> {
      await withHeartbeats(() =>
        swarm().executeUpdate<void, [CordonRequest]>(swarmControl.drain, {
          args: [r],
          updateId: `drain-${r.encoderId}-${r.requestedBy}`,
        }),
      );
    },

    async requestCordon(r: CordonRequest): Promise<void> {
      await swarm().executeUpdate<void, [CordonRequest]>(swarmControl.cordon, { args: [r] });
    },

    /** Done too where the encoder has left with its cordon: an attempt whose answer was lost may have lifted it. */
    async requestUncordon(r: CordonRequest): Promise<void> {
      try {
        await swarm().executeUpdate<void, [CordonRequest]>(swarmControl.uncordon, { args: [r] });
      } catch (error) {
        if (updateRefusal(error).code !== 'unknown-encoder') throw error;
      }
    },
  };
};
