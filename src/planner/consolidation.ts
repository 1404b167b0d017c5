import { NOWHERE } from './book';
import { isResting, largestFirst, type PlanningContext } from './context';
import { boundOf, hasSessionLeft, isAllowed } from './constraints';
import type { Intent, PlanDraft } from './draft';
import type { Cause } from './explain';
import { intentsOf, neighbourhoodOf } from './neighbourhood';
import { Rearrangement } from './rearrangement';
import { targetFor } from './targets';

/** Searched with make-room moves: neighbourhoods up to this size. */
const MOST_ENCODERS = 24;
const MOST_CHANNELS = 240;
const ITERATIONS_PER_PLACE = 2;
const MOST_ITERATIONS = 1_000;

/**
 * Channels that would have to leave an encoder, with a target each, or null if it can't be emptied now: one of its
 * channels rests, is moving, or has nowhere to go. Enters the moves as wanted.
 *
 * Targets are filled up to `mark` of their limit, the fullest that has room first, so that what is free stays in
 * large pieces; where that fails, the fittest below the limit; and in a small fleet at last others make room.
 */
export const empty = (draft: PlanDraft, encoder: number, mark: number, cause: Cause): Intent[] | null => {
  const { context } = draft;
  const { book } = context;
  const residents = book.residentsOf[encoder] as number[];
  if (residents.some((c) => !draft.isFree(c) || isResting(context, c))) return null;
  const leaving = [...residents].sort(largestFirst(book));
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
  const start = draft.context.book.mark();
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
  const { book, policy } = context;
  let best = NOWHERE;
  let bestFill = -1;
  for (const e of book.encoders.inOrder()) {
    if (e === source || (book.residentsOf[e] as number[]).length === 0) continue;
    const bound = mark * boundOf(book, e, 'limit');
    if (!book.fits(e, channel, bound)) continue;
    const fill = book.peakWith(e, channel) / (book.limitOf[e] as number);
    if (fill <= bestFill || book.isUsable[e] === 0 || !hasSessionLeft(book, e)) continue;
    if (!isAllowed(book, policy, e, channel)) continue;
    best = e;
    bestFill = fill;
  }
  return best;
};

const withRoomMade = (draft: PlanDraft, encoder: number, cause: Cause): Intent[] | null => {
  const { book } = draft.context;
  const encoders = book.encoders.filter((e) => book.isStaying[e] === 1);
  if (encoders.length > MOST_ENCODERS || book.channels.size > MOST_CHANNELS) return null;
  const fewest = (book.residentsOf[encoder] as number[]).length;
  const neighbourhood = neighbourhoodOf(draft, encoders, fewest, { encoder, cause });
  const places = neighbourhood.channels.length * encoders.length;
  const iterations = Math.min(MOST_ITERATIONS, ITERATIONS_PER_PLACE * places);
  const assignment = new Rearrangement(neighbourhood.problem).solve(iterations);
  if (!assignment) return null;
  const intents = intentsOf(neighbourhood, assignment);
  for (const intent of intents) draft.want(intent);
  return intents;
};
