import { isAllowed, pinBreachOf } from './constraints';
import { fewestDepartures } from './departures';
import type { Intent, PlanDraft } from './draft';
import { misplacedChannels } from './mends';
import { intentsOf, neighbourhoodOf, type Neighbourhood } from './neighbourhood';
import { orderOf } from './order';
import { Rearrangement } from './rearrangement';
import { overloadedEncoders } from './relief';

/** A fleet up to this size is searched as a whole. */
const SMALL_FLEET = { encoders: 16, channels: 96 };
/** Of a larger one, only around encoders that nothing else relieved: so many places, each with so many encoders. */
const MOST_PLACES = 8;
const ENCODERS_OF_A_PLACE = 8;
const ITERATIONS_OF_A_PLACE = 200;
/** Iterations of a search grow with the number of places to choose from, up to the most. */
const ITERATIONS_PER_PLACE = 8;
const MOST_ITERATIONS = 3_000;
/** Assignments whose moves can't be put in order are searched for again without those, so often. */
const MOST_ATTEMPTS = 3;

/** Encoders that are over their limit, drain, or have a channel that must not stay there. */
const troubledEncoders = (draft: PlanDraft): number[] => {
  const { book } = draft.context;
  const troubled = new Set(overloadedEncoders(draft));
  for (const c of misplacedChannels(draft)) troubled.add(book.homeOf[c] as number);
  const draining = book.encoders.filter((e) => book.isDraining[e] === 1);
  for (const e of draining) if (draft.freeChannelsOn(e).length > 0) troubled.add(e);
  return [...troubled].sort((a, b) => book.encoders.compare(a, b));
};

/** No plan mends these encoders with fewer moves: one for each channel that must leave. */
export const fewestMoves = (draft: PlanDraft, encoders: readonly number[]): number => {
  const { book } = draft.context;
  return encoders.reduce((sum, e) => {
    const free = draft.freeChannelsOn(e);
    if (book.isDraining[e] === 1) return sum + free.length;
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
    if (book.isStaying[e] === 0 && book.isDraining[e] === 0) continue;
    if (book.isStaying[e] === 1) limits += book.limitOf[e] as number;
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
  if (isSmall) {
    rearrangeAll(draft, start);
    return;
  }
  for (const e of troubledEncoders(draft).slice(0, MOST_PLACES)) rearrangeAround(draft, e);
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
  const encoders = book.encoders.filter((e) => book.isStaying[e] === 1 || book.isDraining[e] === 1);
  const neighbourhood = neighbourhoodOf(draft, encoders, fewest);
  const places = neighbourhood.channels.length * encoders.length;
  return searchIn(draft, neighbourhood, Math.min(MOST_ITERATIONS, ITERATIONS_PER_PLACE * places));
};

/** Moves that mend a neighbourhood and that can be carried out in some order, or null if none were found. */
const searchIn = (draft: PlanDraft, neighbourhood: Neighbourhood, iterations: number): Intent[] | null => {
  const { channels, encoders, problem } = neighbourhood;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const assignment = new Rearrangement(problem).solve(iterations);
    if (!assignment) return null;
    const intents = intentsOf(neighbourhood, assignment);
    const ordered = new Set(orderOf(draft, intents).map(({ intent }) => intent));
    if (ordered.size === intents.length) return intents;
    // Channels that would have to go before each other: not so, then.
    for (const intent of intents) {
      const place = channels.indexOf(intent.channel) * encoders.length + encoders.indexOf(intent.target);
      if (!ordered.has(intent)) problem.allowed[place] = 0;
    }
  }
  return null;
};

/** The encoder in trouble and those that could help: usable, allowed to one of its channels, with most room. */
const rearrangeAround = (draft: PlanDraft, troubled: number): void => {
  const { book, policy } = draft.context;
  const free = draft.freeChannelsOn(troubled);
  const room = (e: number): number => (book.limitOf[e] as number) - (book.peakOn[e] as number);
  const roomy = book.encoders
    .inOrder()
    .filter((e) => e !== troubled && book.isUsable[e] === 1 && room(e) >= 0);
  roomy.sort((a, b) => room(b) - room(a) || book.encoders.compare(a, b));
  const encoders = [troubled];
  for (const e of roomy) {
    if (encoders.length === ENCODERS_OF_A_PLACE) break;
    if (free.some((c) => isAllowed(book, policy, e, c))) encoders.push(e);
  }
  encoders.sort((a, b) => book.encoders.compare(a, b));
  const neighbourhood = neighbourhoodOf(draft, encoders, fewestMoves(draft, [troubled]));
  const intents = searchIn(draft, neighbourhood, ITERATIONS_OF_A_PLACE);
  for (const intent of intents ?? []) draft.want(intent);
};
