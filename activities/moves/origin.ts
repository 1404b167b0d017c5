import { cancellationSignal } from '@temporalio/activity';
import { SwarmError, type Owner, type SessionInfo } from '../../src/domain';
import { withinOrNull } from '../../src/platform/deadline';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import type {
  AwaitPublishedRequest,
  OwnRequest,
  Ownership,
  PublishedGop,
  ReturnedOwnership,
  ReturnOwnershipRequest,
} from '../kit/types';

const OWN_TIMEOUT_MS = 2_000;
const WAIT_SLICE_MS = 1_000;

/** Activities on who may publish a channel, and on what was published. */
export const originActivities = ({
  originUrl,
  relayUrl,
  encoders,
}: Pick<Dependencies, 'originUrl' | 'relayUrl' | 'encoders'>) => {
  const origin = new OriginClient(originUrl);
  const relay = new RelayClient(relayUrl);

  /** Throws if the owner can't publish any more; a host that is silent for one call is given another. */
  const assertOwnerWorks = async (
    { encoderId, sessionId }: AwaitPublishedRequest['owner'],
    signal: AbortSignal,
  ): Promise<void> => {
    const client = await encoders.client(encoderId);
    const session: SessionInfo = await client.session(sessionId, { deadlineMs: WAIT_SLICE_MS, signal });
    if (session.state === 'failed' || session.state === 'released') {
      throw new SwarmError(
        'session-failed',
        `Session ${sessionId} on ${encoderId} ${session.state}: ${session.failure?.message ?? 'no reason given'}`,
      );
    }
  };

  /** A relay that does not answer tells nothing against the owner. */
  const isSealed = async (channelId: string, gop: number, signal: AbortSignal): Promise<boolean> => {
    const channel = await withinOrNull(WAIT_SLICE_MS, relay.channel(channelId, { signal }));
    return channel !== null && channel.lastSealedGop !== null && channel.lastSealedGop >= gop;
  };

  return {
    /** The commit point of every move. */
    async takeOwnership(request: OwnRequest): Promise<Ownership> {
      const grant = await origin.own(request, { timeoutMs: OWN_TIMEOUT_MS, signal: cancellationSignal() });
      return { ...grant, atMs: Date.now() };
    },

    /**
     * Undoes takeOwnership. Where that call's fate is unknown it may still be on its way to the origin, so the
     * source is made owner anew in any case: the higher token refuses the late one. Where a third party
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

    /**
     * Waits until a GOP of the new owner is on air. The owner's time runs from the moment the relay has
     * sealed the GOP: while the input is silent there is nothing to publish, which is no fault of the owner.
     * @throws SwarmError session-failed, encoder-unreachable, timeout
     */
    awaitPublished: ({ channelId, gop, owner, withinMs }: AwaitPublishedRequest): Promise<PublishedGop> =>
      withHeartbeats(async (signal) => {
        const startedAtMs = Date.now();
        let sealedAtMs: number | null = null;
        let silentCalls = 0;
        for (;;) {
          try {
            const { publishedAtMs } = await origin.wait(channelId, gop, WAIT_SLICE_MS, signal);
            return { published: true, atMs: publishedAtMs };
          } catch (error) {
            if (!(error instanceof SwarmError) || error.code !== 'timeout') throw error;
          }
          try {
            await assertOwnerWorks(owner, signal);
            silentCalls = 0;
          } catch (error) {
            silentCalls += 1;
            const passing = error instanceof SwarmError && error.code === 'encoder-unreachable';
            if (!passing || silentCalls > 1) throw error;
          }
          if (sealedAtMs === null && (await isSealed(channelId, gop, signal))) sealedAtMs = Date.now();
          const now = Date.now();
          if (sealedAtMs === null && now - startedAtMs > withinMs) return { published: false, atMs: now };
          if (sealedAtMs !== null && now - sealedAtMs > withinMs) {
            throw new SwarmError(
              'timeout',
              `${owner.encoderId} did not publish GOP ${gop} of ${channelId} within ${withinMs} ms.`,
            );
          }
        }
      }),
  };
};
