import { SwarmError } from '../../src/domain';
import { monotonicMs } from '../../src/platform/clock';
import { withinOrNull } from '../../src/platform/deadline';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { AwaitPublishedRequest, PublishedGop } from '../kit/types';
import { requireAlive } from './session-start';

const WAIT_SLICE_MS = 1_000;

/** Throws if the owner can't publish any more; a host that is silent for one call is given another. */
const assertOwnerWorks = async (
  encoders: Dependencies['encoders'],
  { encoderId, sessionId }: AwaitPublishedRequest['owner'],
  signal: AbortSignal,
): Promise<void> => {
  const client = await encoders.client(encoderId);
  requireAlive(encoderId, await client.session(sessionId, { deadlineMs: WAIT_SLICE_MS, signal }));
};

/** A relay that does not answer tells nothing against the owner. */
const isSealed = async (
  relay: Dependencies['relay'],
  channelId: string,
  gop: number,
  signal: AbortSignal,
): Promise<boolean> => {
  const channel = await withinOrNull(WAIT_SLICE_MS, relay.channel(channelId, { signal }));
  return channel !== null && channel.lastSealedGop !== null && channel.lastSealedGop >= gop;
};

/** The activity by which a move sees its new owner on air. */
export const awaitPublishedActivities = ({
  origin,
  relay,
  encoders,
}: Pick<Dependencies, 'origin' | 'relay' | 'encoders'>) => {
  return {
    /**
     * Waits until a GOP of the new owner is on air. The owner's time runs from the moment the relay has
     * sealed the GOP: while the input is silent there is nothing to publish, which is no fault of the owner.
     * @throws SwarmError session-failed, encoder-unreachable, timeout
     */
    awaitPublished: ({ channelId, gop, owner, withinMs }: AwaitPublishedRequest): Promise<PublishedGop> =>
      withHeartbeats(async (signal) => {
        const startedAtMs = monotonicMs();
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
            await assertOwnerWorks(encoders, owner, signal);
            silentCalls = 0;
          } catch (error) {
            silentCalls += 1;
            const passing = error instanceof SwarmError && error.code === 'encoder-unreachable';
            if (!passing || silentCalls > 1) throw error;
          }
          if (sealedAtMs === null && (await isSealed(relay, channelId, gop, signal)))
            sealedAtMs = monotonicMs();
          const now = monotonicMs();
          if (sealedAtMs === null && now - startedAtMs > withinMs)
            return { published: false, atMs: Date.now() };
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
