import { OriginClient } from '../../contracts/origin';
import { SwarmError } from '../../domain';
import type { Logger } from '../../platform/logger';
import { retried } from '../../platform/retry';
import { otherOriginsOf, throughGateways, type Gateways } from './gateways';
import type { PublishingSession } from './session-journal';
import type { SessionRegistry } from './session-registry';

/** The origin starts beside this host; where it takes longer, the control plane brings the channels on air. */
const ORIGIN_WITHIN_MS = 5_000;
const ASK_AGAIN = { firstMs: 50, longestMs: 250 };
const ANSWER_MS = 1_000;

/**
 * Goes on with sessions of an earlier run of this host, as far as the origin still has them as owners: with the tokens and
 * secrets that they had, from the first GOP that is missing. Nobody else has to know: to the control plane they were never
 * away. Resolves once each is under way or given up; never throws.
 */
export const resumeSessions = async (
  kept: readonly PublishingSession[],
  options: { encoderId: string; gateways?: Gateways | undefined; registry: SessionRegistry; log: Logger },
): Promise<void> => {
  const { encoderId, gateways, registry, log } = options;
  const resume = async ({ order: noted, token, secret }: PublishingSession): Promise<void> => {
    const { sessionId, channelId } = noted;
    const session = { session: sessionId, channel: channelId, token };
    try {
      const order = throughGateways(noted, gateways);
      const origin = new OriginClient([
        order.originUrl,
        ...otherOriginsOf(order.originUrl, gateways?.originUrls),
      ]);
      const {
        owner,
        token: inForce,
        nextGop,
      } = await retried(() => origin.channel(channelId, { timeoutMs: ANSWER_MS }), {
        ...ASK_AGAIN,
        patienceMs: ORIGIN_WITHIN_MS,
        isTransient: isAway,
      });
      if (owner?.encoderId !== encoderId || owner.sessionId !== sessionId || inForce !== token) {
        log.info(session, 'the channel has another owner by now; this session is not resumed');
        return;
      }
      // One GOP before the first that it publishes, to warm its rate control.
      registry.resume({ order: { ...order, fromGop: Math.max(0, nextGop - 1) }, token, secret }, nextGop);
      log.info({ ...session, nextGop }, 'session resumed');
    } catch (error) {
      log.warn({ ...session, cause: (error as Error).message }, 'session not resumed');
    }
  };
  await Promise.all(kept.map(resume));
};

const isAway = (error: unknown): boolean =>
  error instanceof SwarmError && (error.code === 'unavailable' || error.code === 'timeout');
