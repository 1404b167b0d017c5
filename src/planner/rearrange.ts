import { isUsable, pinBreachOf, regionsOf } from './constraints';
import { seen } from './context';
import { fewestDepartures } from './departures';
import type { Intent, PlanDraft } from './draft';
import { breachWhereItIs } from './mends';
import { intentsOf, neighbourhoodOf } from './neighbourhood';
import { Rearrangement } from './rearrangement';
import { overloadedEncoders } from './relief';

/** A fleet up to this size is searched as a whole. */
const SMALL_FLEET = { encoders: 24, channels: 240 };
/** Of a larger one, only around encoders that nothing else relieved: so many places, each with so many encoders. */
const MOST_PLACES = 16;
const ENCODERS_OF_A_PLACE = 8;
const ITERATIONS_OF_A_PLACE = 400;
/** Iterations of a search grow with the number of places to choose from, up to the most. */
const ITERATIONS_PER_PLACE = 8;
const MOST_ITERATIONS = 3_000;

/** Encoders that are over their limit, drain, or have a channel that must not stay there. */
const troubledEncoders = (draft: PlanDraft): number[] => {
  const { book } = draft.context;
  const overloaded = new Set(overloadedEncoders(draft));
  return book.encoders.inOrder().filter((e) => {
    const { reachable, draining } = seen(book, e);
    if (!reachable) return false;
    if (overloaded.has(e)) return true;
    const free = draft.freeChannelsOn(e);
    return draining ? free.length > 0 : free.some((c) => breachWhereItIs(draft, c) !== null);
  });
};

/** No plan mends these encoders with fewer moves: one for each channel that must leave. */
export const fewestMoves = (draft: PlanDraft, encoders: readonly number[]): number => {
  const { book } = draft.context;
  return encoders.reduce((sum, e) => {
    const free = draft.freeChannelsOn(e);
    if (seen(book, e).draining) return sum + free.length;
    const misplaced = free.filter((c) => pinBreachOf(book, e, c) !== null).length;
    const fewest = fewestDepartures(book, e, free);
    return sum + Math.max(misplaced, Number.isFinite(fewest) ? fewest : 0);
  }, 0);
};

/** Could the encoders carry all channels, were these made of sand? Where not, no search finds an assignment. */
const mayBeFeasible = (draft: PlanDraft): boolean => {
  const { book } = draft.context;
  let limits = 0;
  const loads = new Float64Array(book.steps);
  for (const e of book.encoders.inOrder()) {
    const { reachable, draining } = seen(book, e);
    if (!reachable) continue;
    if (!draining) limits += book.limitOf[e] as number;
    for (let k = 0; k < book.steps; k = book.stepAfter(k)) loads[k]! += book.sumOn(e, k);
  }
  return loads.every((load) => load <= limits);
};

/**
 * Looks for a better set of moves where the simple rules left something amiss, or may have moved more than need be:
 * chains in which one channel makes room for another, and swaps.
 *
 * A small fleet is searched as a whole, from the loads at `start`; of a large one the surroundings of each encoder
 * that is still in trouble.
 */
export const rearrange = (draft: PlanDraft, start: number): void => {
  const { book } = draft.context;
  const isSmall = book.encoders.size <= SMALL_FLEET.encoders && book.channels.size <= SMALL_FLEET.channels;
  if (isSmall) rearrangeAll(draft, start);
  else for (const e of troubledEncoders(draft).slice(0, MOST_PLACES)) rearrangeAround(draft, e);
};

const rearrangeAll = (draft: PlanDraft, start: number): void => {
  const simple = [...draft.intents.values()];
  const isMended = troubledEncoders(draft).length === 0;
  draft.rollBack(start);
  draft.intents.clear();
  const fewest = fewestMoves(draft, troubledEncoders(draft));
  const isBest = isMended && simple.length <= Math.max(fewest, 1);
  const better = isBest || !mayBeFeasible(draft) ? null : searchAll(draft, fewest);
  const chosen = better && (!isMended || better.length < simple.length) ? better : simple;
  for (const intent of chosen) draft.want(intent);
};

const searchAll = (draft: PlanDraft, fewest: number): Intent[] | null => {
  const { book } = draft.context;
  const encoders = book.encoders.inOrder().filter((e) => seen(book, e).reachable);
  const neighbourhood = neighbourhoodOf(draft, encoders, fewest);
  const { channels } = neighbourhood;
  const places = channels.length * encoders.length;
  const iterations = Math.min(MOST_ITERATIONS, ITERATIONS_PER_PLACE * places);
  const assignment = new Rearrangement(neighbourhood.problem).solve(iterations);
  return assignment && intentsOf(neighbourhood, assignment);
};

/** The encoder in trouble and those that could help: usable, in a region its channels may be in, with most room. */
const rearrangeAround = (draft: PlanDraft, troubled: number): void => {
  const { book } = draft.context;
  const regions = new Set(draft.freeChannelsOn(troubled).flatMap((c) => regionsOf(book, c)));
  const room = (e: number): number => (book.limitOf[e] as number) - (book.peakOn[e] as number);
  const helpers = book.encoders
    .inOrder()
    .filter((e) => e !== troubled && isUsable(seen(book, e)) && regions.has(seen(book, e).region))
    .filter((e) => book.classOf[e] === book.classOf[troubled] && room(e) >= 0)
    .sort((a, b) => room(b) - room(a) || book.encoders.rank(a) - book.encoders.rank(b))
    .slice(0, ENCODERS_OF_A_PLACE - 1);
  const encoders = [troubled, ...helpers].sort((a, b) => book.encoders.rank(a) - book.encoders.rank(b));
  const neighbourhood = neighbourhoodOf(draft, encoders, fewestMoves(draft, [troubled]));
  const assignment = new Rearrangement(neighbourhood.problem).solve(ITERATIONS_OF_A_PLACE);
  if (!assignment) return;
  for (const intent of intentsOf(neighbourhood, assignment)) draft.want(intent);
};
