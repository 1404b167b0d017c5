import type { MoveReason } from '../domain';
import type { Intent, PlanDraft } from './draft';
import { explainedMove } from './explain';
import { orderOf, type Turn } from './order';

/** Drains first, since they do not use up the moves of the cycle; what only makes room comes when all else has. */
const turnOf = (reason: MoveReason): number => (reason === 'drain' ? 0 : reason === 'make-room' ? 2 : 1);

/**
 * Lets as many of the wanted moves into the plan as the policy allows, in an order in which no encoder is over its
 * limit at any time (see `orderOf`), each with its explanation. The rest is left for later cycles.
 *
 * @param start mark of the table at which none of the wanted moves is entered
 */
export const schedule = (draft: PlanDraft, start: number): void => {
  const { policy } = draft.context;
  const intents = [...draft.intents.values()].sort((a, b) => turnOf(a.cause.reason) - turnOf(b.cause.reason));
  draft.rollBack(start);
  draft.intents.clear();
  const budget = { moves: draft.movesLeft, movesPerEncoder: policy.maxMovesPerEncoder };
  for (const turn of orderOf(draft, intents, budget)) settle(draft, turn);
};

const settle = (draft: PlanDraft, { intent, wave, alongside }: Turn): void => {
  const { context } = draft;
  const { channel, target, cause }: Intent = intent;
  // What the target then needs is reported without those that leave it at the same time.
  const mark = context.table.mark();
  for (const other of alongside) {
    if (!draft.moved.has(other.channel)) context.table.relocate(other.channel, other.target);
  }
  const move = explainedMove(context, channel, target, cause);
  context.table.rollBack(mark);
  const source = context.table.homeOf[channel]!;
  draft.settle(wave === 0 ? move : { ...move, wave }, channel, [source, target]);
  draft.relocate(channel, target);
};
