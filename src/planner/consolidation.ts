import { boundOf, hasSessionLeft, isAllowed } from './constraints';
import { isResting, largestFirst, type PlanningContext } from './context';
import type { Intent, PlanDraft } from './draft';
import type { Cause } from './explain';
import { neighbourhoodOf } from './neighbourhood';
import { NOWHERE } from './placement-table';
import { encodersAround, searchIn } from './search';
import { targetFor } from './targets';

/**
 * Channels that would have to leave an encoder, with a target each, or null if it can't be emptied now: one of its
 * channels rests, is moving, or has nowhere to go. Enters the moves as wanted.
 *
 * Targets are filled up to `mark` of their limit, the fullest that has room first, so that what is free stays in
 * large pieces; where that fails, the fittest below the limit; and at last others make room.
 */
export const empty = (draft: PlanDraft, encoder: number, mark: number, cause: Cause): Intent[] | null => {
  const { context } = draft;
  const { table } = context;
  const residents = table.residentsOf[encoder]!;
  if (residents.some((c) => !draft.isFree(c) || isResting(context, c))) return null;
  const leaving = [...residents].sort(largestFirst(table));
  const tightest = (c: number): number => tightestFor(context, c, encoder, mark);
  const fittest = (c: number): number => targetFor(context, c, { atMost: 'limit', exclude: [encoder] });
  return (
    place(draft, leaving, cause, tightest) ??
    place(draft, leaving, cause, fittest) ??
    withRoomMade(draft, encoder, cause)
  );
};

const place = (
  draft: PlanDraft,
  channels: readonly number[],
  cause: Cause,
  choose: (channel: number) => number,
): Intent[] | null => {
  const start = draft.context.table.mark();
  const found: Intent[] = [];
  for (const channel of channels) {
    const target = choose(channel);
    if (target === NOWHERE) {
      draft.rollBack(start);
      return null;
    }
    draft.relocate(channel, target);
    found.push({ channel, target, cause });
  }
  for (const intent of found) draft.intents.set(intent.channel, intent);
  return found;
};

/** The encoder in use that a channel fills most, without going beyond `mark` of its limit; ties go by id. */
const tightestFor = (context: PlanningContext, channel: number, source: number, mark: number): number => {
  const { table, policy } = context;
  let best = NOWHERE;
  let bestFill = -1;
  for (const e of table.encoders.inOrder()) {
    if (e === source || table.residentsOf[e]!.length === 0) continue;
    const bound = mark * boundOf(table, e, 'limit');
    if (!table.fits(e, channel, bound)) continue;
    const fill = table.peakWith(e, channel) / table.limitOf[e]!;
    if (fill <= bestFill || table.isUsable[e] === 0 || !hasSessionLeft(table, e)) continue;
    if (!isAllowed(table, policy, e, channel)) continue;
    best = e;
    bestFill = fill;
  }
  return best;
};

const withRoomMade = (draft: PlanDraft, encoder: number, cause: Cause): Intent[] | null => {
  const fewest = draft.context.table.residentsOf[encoder]!.length;
  const neighbourhood = neighbourhoodOf(draft, encodersAround(draft, encoder), fewest, { encoder, cause });
  const intents = searchIn(draft, neighbourhood);
  for (const intent of intents ?? []) draft.want(intent);
  return intents;
};
