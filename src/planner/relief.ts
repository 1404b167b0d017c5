import { isResting, largestFirst } from './context';
import { relievingSets } from './departures';
import type { Intent, PlanDraft } from './draft';
import { overloadOf, type Overload } from './explain';
import { NOWHERE } from './placement-table';
import { targetFor } from './targets';

/** Channels that may leave an encoder, largest first: not those that rest after a move. */
const candidatesOn = (draft: PlanDraft, encoder: number): number[] =>
  draft
    .freeChannelsOn(encoder)
    .filter((c) => !isResting(draft.context, c))
    .sort(largestFirst(draft.context.table));

/** Targets for a whole set of channels, largest first, entered as wanted; or nothing, if one of them has none. */
const placeAll = (draft: PlanDraft, overload: Overload, set: readonly number[]): boolean => {
  const { context } = draft;
  const mark = context.table.mark();
  const found: Intent[] = [];
  for (const channel of [...set].sort(largestFirst(context.table))) {
    const target = targetFor(context, channel, { atMost: 'limit', exclude: [overload.encoder] });
    if (target === NOWHERE) {
      draft.rollBack(mark);
      return false;
    }
    draft.relocate(channel, target);
    found.push({ channel, target, cause: overload.cause });
  }
  for (const intent of found) draft.intents.set(intent.channel, intent);
  return true;
};

/** Encoders that answer, are not drained and will need more than their limit: the soonest first, then the worst. */
export const overloadedEncoders = (draft: PlanDraft): number[] => {
  const { table } = draft.context;
  const excess = (e: number): number => table.peakOn[e]! - table.limitOf[e]!;
  return table.encoders
    .filter((e) => excess(e) > 0 && table.isStaying[e] === 1)
    .map((e) => ({ e, step: table.firstStepOverLimit(e) }))
    .sort((a, b) => a.step - b.step || excess(b.e) - excess(a.e) || table.encoders.compare(a.e, b.e))
    .map(({ e }) => e);
};

/**
 * Relieves every encoder whose channels are forecast to need more than its limit, the soonest first: the fewest
 * channels, and of those the smallest, whose departure brings it under the limit and that fit elsewhere.
 *
 * The threshold rule moves on *growth* alone (predicted > current x threshold). Growth below the limit harms
 * nobody, and moving for it would cost a handoff a day per channel for nothing (churn), so growth is a figure of
 * the explanation here and the limit decides.
 */
export const planRelief = (draft: PlanDraft): void => {
  const { context } = draft;
  for (const encoder of overloadedEncoders(draft)) {
    const overload = overloadOf(context, encoder);
    if (!overload) continue;
    const candidates = candidatesOn(draft, encoder);
    for (const set of relievingSets(context.table, encoder, candidates)) {
      if (placeAll(draft, overload, set)) break;
    }
  }
};

/** Where nothing relieves an encoder whole: whatever large channel finds room goes. */
export const planPartialRelief = (draft: PlanDraft): void => {
  const { context } = draft;
  for (const encoder of overloadedEncoders(draft)) {
    const overload = overloadOf(context, encoder);
    if (!overload) continue;
    for (const channel of candidatesOn(draft, encoder)) {
      if (context.table.firstStepOverLimit(encoder) < 0) break;
      const target = targetFor(context, channel, { atMost: 'limit', exclude: [encoder] });
      if (target !== NOWHERE) draft.want({ channel, target, cause: overload.cause });
    }
  }
};
