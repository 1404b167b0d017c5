import { randomUUID } from 'node:crypto';
import type { AddChannel, HandoffRequest } from '../contracts/api';
import { SwarmError, httpStatusOf, type ChannelSpec, type ErrorCode, type MoveResult } from '../domain';
import { channelWithDefaults } from '../domain/default-channels';
import type { Orchestration } from './ports';

/** The default channel under another id, with the fields that were given. */
export const channelSpecFrom = (given: AddChannel): ChannelSpec => ({
  ...channelWithDefaults(given.id, given.input),
  ...given,
});

/**
 * Asks the channel for a move and waits for its end.
 * @throws SwarmError with the channel's refusal: unknown-channel, unknown-encoder, same-encoder, encoder-cordoned,
 *   encoder-full, encoder-incompatible, encoder-unreachable, move-in-progress, no-target; unavailable, timeout
 */
export const requestHandoff = async (
  orchestration: Orchestration,
  channelId: string,
  asked: HandoffRequest,
): Promise<MoveResult> => {
  const result = await orchestration.move(channelId, {
    requestId: asked.requestId ?? randomUUID(),
    reason: 'operator',
    requestedBy: 'operator',
    requestedAtMs: Date.now(),
    ...(asked.encoderId !== undefined && { toEncoderId: asked.encoderId }),
    ...(asked.rungs !== undefined && { rungs: asked.rungs }),
  });
  if (result.outcome === 'refused') {
    const { code, message } = result.failure ?? {
      code: 'conflict',
      message: `The move of ${channelId} was refused.`,
    };
    throw new SwarmError(code in httpStatusOf ? (code as ErrorCode) : 'conflict', message);
  }
  return result;
};
