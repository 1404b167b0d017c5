import { SwarmError, asOriginsFault } from '../../src/domain';
import { monotonicMs } from '../../src/platform/clock';
import { withinOrNull } from '../../src/platform/deadline';
import { pause } from '../../src/platform/retry';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { AwaitPublishedRequest, PublishedGop } from '../kit/types';
import { requireAlive } from './session-start';

const WAIT_SLICE_MS = 1_000;
/** An origin that restarts is back long before; for one that stays away, the move is begun anew. */
const ORIGIN_AWAY_LIMIT_MS = 20_000;
const ORIGIN_AWAY_PAUSE_MS = 200;

const codeOf = (error: unknown): string | undefined => (error instanceof SwarmError ? error.code : undefined);

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
     * sealed the GOP: while the input is silent there is nothing to publish, which is no fault of the owner. Nor is it while
     * the origin is away: its time begins anew then.
     * @throws SwarmError session-failed, encoder-unreachable, timeout
     */
    awaitPublished: ({ channelId, gop, owner, withinMs }: AwaitPublishedRequest): Promise<PublishedGop> =>
      withHeartbeats(async (signal) => {
        let startedAtMs = monotonicMs();
        let awaySinceMs: number | null = null;
        let sealedAtMs: number | null = null;
        let silentCalls = 0;
        for (;;) {
          try {
            const { publishedAtMs } = await origin.wait(channelId, gop, WAIT_SLICE_MS, signal);
            return { published: true, atMs: publishedAtMs };
          } catch (error) {
            if (codeOf(error) === 'timeout') awaySinceMs = null;
            else {
              const now = monotonicMs();
              awaySinceMs ??= now;
              if (!(error instanceof SwarmError) || error.code !== 'unavailable') throw error;
              if (now - awaySinceMs > ORIGIN_AWAY_LIMIT_MS) throw asOriginsFault(error);
              await pause(ORIGIN_AWAY_PAUSE_MS, signal);
              signal.throwIfAborted();
              startedAtMs = monotonicMs();
              sealedAtMs = null;
            }
          }
          try {
            await assertOwnerWorks(encoders, owner, signal);
            silentCalls = 0;
          } catch (error) {
            silentCalls += 1;
            if (codeOf(error) !== 'encoder-unreachable' || silentCalls > 1) throw error;
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
