import { randomUUID } from 'node:crypto';
import type { HandoffRefusal, HandoffRequest } from '../contracts/api';
import { SwarmError, failureOf, isErrorCode, type MoveFailure, type MoveResult } from '../domain';
import { askedBy } from '../platform/asking';
import type { Orchestration } from './ports';

/** The refusal for a move that was refused, undone or is unresolved. */
const refusalOfMove = (result: MoveResult, { code, message }: MoveFailure): SwarmError => {
  const { channelId, outcome, workflowId, ownerEncoderId } = result;
  const owner = ownerEncoderId === null ? '' : `${channelId} is on ${ownerEncoderId}. `;
  const details: HandoffRefusal = { outcome, workflowId };
  const hint = `${owner}See: encoder-swarm explain ${workflowId}`;
  return new SwarmError(isErrorCode(code) ? code : 'internal', message, hint, details);
};

/**
 * Asks the channel for a move and waits for its end.
 * @throws SwarmError with the channel's refusal, or of a move that was undone, with HandoffRefusal as details: unknown-channel, unknown-encoder, same-encoder, encoder-cordoned,
 *   encoder-full, encoder-incompatible, encoder-unreachable, move-in-progress, no-target; unavailable, timeout
 */
export const requestHandoff = async (
  orchestration: Orchestration,
  channelId: string,
  given: HandoffRequest,
): Promise<MoveResult> => {
  const result = await orchestration.move(channelId, {
    requestId: given.requestId ?? randomUUID(),
    reason: 'operator',
    requestedBy: askedBy(),
    requestedAtMs: Date.now(),
    ...(given.encoderId !== undefined && { toEncoderId: given.encoderId }),
    ...(given.rungs !== undefined && { rungs: given.rungs }),
  });
  const failure = failureOf(result);
  if (failure) throw refusalOfMove(result, failure);
  return result;
};
