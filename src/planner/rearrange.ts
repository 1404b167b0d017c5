import { pinBreachOf } from './constraints';
import { fewestDepartures } from './departures';
import type { Intent, PlanDraft } from './draft';
import { neighbourhoodOf } from './neighbourhood';
import { overloadedEncoders } from './relief';
import { misplacedChannels } from './repairs';
import { encodersAround, isSmallFleet, reachableEncoders, searchIn } from './search';

/** Encoders of a large fleet whose surroundings are searched. */
const MOST_PLACES = 8;

/** Encoders that are over their limit, drain, or have a channel that must not stay there. */
const troubledEncoders = (draft: PlanDraft): number[] => {
  const { table } = draft.context;
  const troubled = new Set(overloadedEncoders(draft));
  for (const c of misplacedChannels(draft)) troubled.add(table.homeOf[c]!);
  const draining = table.encoders.filter((e) => table.isDraining[e] === 1);
  for (const e of draining) if (draft.freeChannelsOn(e).length > 0) troubled.add(e);
  return [...troubled].sort((a, b) => table.encoders.compare(a, b));
};

/** No plan repairs these encoders with fewer moves: one for each channel that must leave. */
export const fewestMoves = (draft: PlanDraft, encoders: readonly number[]): number => {
  const { table } = draft.context;
  return encoders.reduce((sum, e) => {
    const free = draft.freeChannelsOn(e);
    if (table.isDraining[e] === 1) return sum + free.length;
    const misplaced = free.filter((c) => pinBreachOf(table, e, c) !== null).length;
    const fewest = fewestDepartures(table, e, free);
    return sum + Math.max(misplaced, Number.isFinite(fewest) ? fewest : 0);
  }, 0);
};

/** Could the encoders carry all channels, were these made of sand? Where not, no search finds an assignment. */
const mayBeFeasible = (draft: PlanDraft): boolean => {
  const { table } = draft.context;
  let limits = 0;
  const loads = new Float64Array(table.steps);
  for (const e of table.encoders.inOrder()) {
    if (table.isStaying[e] === 0 && table.isDraining[e] === 0) continue;
    if (table.isStaying[e] === 1) limits += table.limitOf[e]!;
    for (let k = 0; k < table.steps; k = table.stepAfter(k)) loads[k]! += table.sumOn(e, k);
  }
  return loads.every((load) => load <= limits);
};

/**
 * Looks for a better set of moves where the simple rules left something unrepaired, or may have moved more than need be:
 * chains in which one channel makes room for another, and swaps.
 *
 * A small fleet is searched as a whole, from the loads at `start`; of a large one the surroundings of each encoder
 * that is still in trouble.
 */
export const rearrange = (draft: PlanDraft, start: number): void => {
  if (isSmallFleet(draft)) {
    rearrangeAll(draft, start);
    return;
  }
  for (const e of troubledEncoders(draft).slice(0, MOST_PLACES)) rearrangeAround(draft, e);
};

/**
 * In a large fleet more encoders are in trouble at first than can be searched; once simple moves have relieved what they
 * can, few are left, and their surroundings are searched too.
 */
export const rearrangeRest = (draft: PlanDraft): void => {
  if (isSmallFleet(draft)) return;
  for (const e of overloadedEncoders(draft).slice(0, MOST_PLACES)) rearrangeAround(draft, e);
};

const rearrangeAll = (draft: PlanDraft, start: number): void => {
  const simple = [...draft.intents.values()];
  const isRepaired = troubledEncoders(draft).length === 0;
  draft.rollBack(start);
  draft.intents.clear();
  const fewest = fewestMoves(draft, troubledEncoders(draft));
  const isBest = isRepaired && simple.length <= Math.max(fewest, 1);
  const better = isBest || !mayBeFeasible(draft) ? null : searchAll(draft, fewest);
  const chosen = better && (!isRepaired || better.length < simple.length) ? better : simple;
  for (const intent of chosen) draft.want(intent);
};

const searchAll = (draft: PlanDraft, fewest: number): Intent[] | null =>
  searchIn(draft, neighbourhoodOf(draft, reachableEncoders(draft), fewest));

const rearrangeAround = (draft: PlanDraft, troubled: number): void => {
  const neighbourhood = neighbourhoodOf(
    draft,
    encodersAround(draft, troubled),
    fewestMoves(draft, [troubled]),
  );
  for (const intent of searchIn(draft, neighbourhood) ?? []) draft.want(intent);
};
