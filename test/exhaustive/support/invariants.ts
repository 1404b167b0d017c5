import { CancelledFailure } from '@temporalio/common';
import type { MoveResult } from '../../../src/domain';
import type { OriginChannelModel } from './media-model';
import type { World } from './world';

/**
 * What must hold after everything, whatever went wrong. @returns one sentence per invariant that is broken.
 *
 * At most one owner's GOP accepted for each number, in order, none lost while the ring had it; each token given
 * once; no session left over; every saga ended, or visibly unresolved; the channel's workflow knows the truth.
 */
export const brokenInvariants = (world: World): string[] => {
  const { origin, encoders, sagas } = world;
  const broken: string[] = [];
  const must = (holds: boolean, sentence: string): void => {
    if (!holds) broken.push(sentence);
  };
  const sessions = encoders.flatMap((encoder) =>
    [...encoder.sessions.values()]
      .filter(({ state }) => state !== 'released' && state !== 'failed')
      .map(({ order, state }) => ({
        encoderId: encoder.info.id,
        channelId: order.channelId,
        sessionId: order.sessionId,
        state,
      })),
  );
  for (const channel of origin.channels.values()) {
    const { id } = channel;
    checkLedger(channel, (holds, sentence) => must(holds, `${id}: ${sentence}`));
    const { owner, nextGop } = channel.state;
    const { lastSealed } = world.relay;
    must(nextGop >= lastSealed - 1, `${id} is off air: GOP ${nextGop} is awaited, ${lastSealed} is sealed`);
    must(
      sessions.some((s) => s.sessionId === owner?.sessionId && s.state === 'publishing'),
      `${id}: the owner ${owner?.sessionId} on ${owner?.encoderId} does not publish`,
    );
    const state = world.stateOf(id);
    must(
      state?.ownerSessionId === owner?.sessionId,
      `${id}: its workflow takes ${state?.ownerSessionId} for the owner, the origin ${owner?.sessionId}`,
    );
  }
  for (const { encoderId, channelId, sessionId, state } of sessions) {
    const owner = origin.channels.get(channelId)?.state.owner;
    must(sessionId === owner?.sessionId, `session ${sessionId} (${state}) is left over on ${encoderId}`);
  }
  for (const saga of sagas) {
    const isVisible = saga.attributes.get('SwarmOutcome') === 'unresolved';
    must(saga.status !== 'running' || isVisible, `${saga.workflowId} has not ended`);
    if (saga.status === 'failed')
      must(isCancellationOf(saga.failure), `${saga.workflowId} failed: ${String(saga.failure)}`);
    if (saga.status !== 'completed') continue;
    const { outcome } = saga.result as MoveResult;
    const shown = String(saga.attributes.get('SwarmOutcome'));
    must(shown === outcome, `${saga.workflowId} ended ${outcome}, but shows ${shown}`);
  }
  return broken;
};

const isCancellationOf = (error: unknown): boolean =>
  error instanceof CancelledFailure || (error as { cause?: unknown }).cause instanceof CancelledFailure;

const checkLedger = (
  { accepted, grants, state, strangersGops }: OriginChannelModel,
  must: (holds: boolean, sentence: string) => void,
): void => {
  accepted.forEach(({ gop, token }, i) => {
    const before = accepted[i - 1];
    if (!before) return;
    must(gop === before.gop + 1, `GOP ${gop} was accepted after GOP ${before.gop}`);
    must(token >= before.token, `GOP ${gop} was accepted with token ${token} after ${before.token}`);
  });
  const tokens = grants.map((grant) => grant.token);
  must(new Set(tokens).size === tokens.length, `a token was given twice: ${tokens.join(', ')}`);
  must(strangersGops.length === 0, `a stranger could publish GOPs ${strangersGops.slice(0, 3).join(', ')}`);
  must(state.gapsDeclared === 0, `${state.gapsDeclared} GOPs that the ring had were given up`);
};
