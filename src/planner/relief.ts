import type { ChannelDemand } from './demand';
import { hasTarget, type PlanDraft } from './draft';
import { overloadOf, type Overload } from './explain';
import { UNITS_TOLERANCE, type EncoderLoad } from './load-book';
import { chooseAmong, type TargetChoice } from './targets';

/** Sets larger than this are not searched; the next cycle goes on. */
const MAX_SET = 3;
/** Of an encoder with more channels than this, only the largest are candidates: sets grow with the cube. */
const MAX_CANDIDATES = 12;

/** All sets of `size` items, in the order of the items. */
const setsOf = <T>(items: readonly T[], size: number): T[][] =>
  size === 0
    ? [[]]
    : items.flatMap((item, i) => setsOf(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));

const peakWithout = (load: EncoderLoad, leaving: readonly ChannelDemand[]): number =>
  Math.max(...load.needs.map((units, k) => leaving.reduce((sum, d) => sum - (d.needs[k] as number), units)));

const totalUnits = (set: readonly ChannelDemand[]): number => set.reduce((sum, d) => sum + d.peakUnits, 0);

/** Targets for a whole set of channels, largest first, or null if one of them has none. Changes no load. */
const targetsFor = (
  draft: PlanDraft,
  source: EncoderLoad,
  set: readonly ChannelDemand[],
): { demand: ChannelDemand; choice: TargetChoice & { load: EncoderLoad } }[] | null => {
  const found: { demand: ChannelDemand; choice: TargetChoice & { load: EncoderLoad } }[] = [];
  try {
    for (const demand of [...set].sort((a, b) => b.peakUnits - a.peakUnits)) {
      const choice = chooseAmong(draft.context, demand, { atMost: 'limit', exclude: [source.encoder.id] });
      if (!hasTarget(choice)) return null;
      choice.load.place(demand);
      found.push({ demand, choice });
    }
    return found;
  } finally {
    for (const { demand, choice } of found) choice.load.unplace(demand);
  }
};

/**
 * Channels that may leave an overloaded encoder. One that rests after a move may go only when the overload
 * begins before its rest ends: else there is time to wait.
 */
const candidatesOn = (draft: PlanDraft, overload: Overload): ChannelDemand[] => {
  const beginsAtMs = draft.context.atMs + overload.inSeconds * 1000;
  return draft
    .freeChannelsOn(overload.load)
    .filter((d) => !draft.isResting(d) || d.restsUntilMs > beginsAtMs)
    .sort((a, b) => b.peakUnits - a.peakUnits)
    .slice(0, MAX_CANDIDATES);
};

const relieve = (draft: PlanDraft, overload: Overload): void => {
  const { load, words: cause, figures } = overload;
  const why = { reason: 'predicted-overload' as const, cause, figures };
  const candidates = candidatesOn(draft, overload);
  const restingIn = (set: readonly ChannelDemand[]): number => set.filter((d) => draft.isResting(d)).length;

  for (let size = 1; size <= Math.min(MAX_SET, draft.movesLeft); size++) {
    const sets = setsOf(candidates, size)
      .filter((set) => peakWithout(load, set) <= load.limitUnits + UNITS_TOLERANCE)
      .sort((a, b) => restingIn(a) - restingIn(b) || totalUnits(a) - totalUnits(b));
    for (const set of sets) {
      const targets = targetsFor(draft, load, set);
      if (!targets) continue;
      for (const { demand, choice } of targets) draft.moveAway(demand, load, choice, why);
      return;
    }
  }
  if (draft.movesLeft === 0) {
    draft.unmet.push({
      encoderId: load.encoder.id,
      why: `${cause}; the moves of this cycle are used up`,
    });
    return;
  }
  relieveInPart(draft, overload, candidates);
};

/** No set relieves it whole: whatever large channel finds room goes, and the rest is reported. */
const relieveInPart = (draft: PlanDraft, overload: Overload, candidates: readonly ChannelDemand[]): void => {
  const { context } = draft;
  const { load, words: cause, figures } = overload;
  for (const demand of candidates) {
    if (draft.movesLeft === 0 || load.firstStepOverLimit < 0) break;
    const choice = chooseAmong(context, demand, { atMost: 'limit', exclude: [load.encoder.id] });
    if (hasTarget(choice)) {
      draft.moveAway(demand, load, choice, { reason: 'predicted-overload', cause, figures });
    }
  }
  const excess = load.peakUnits - load.limitUnits;
  if (excess <= UNITS_TOLERANCE) return;
  const waitsForMove = [...load.placed.values()].some((d) => !draft.isFree(d) || draft.isResting(d));
  if (!waitsForMove && draft.movesLeft > 0) draft.homelessUnits += excess;
  draft.unmet.push({
    encoderId: load.encoder.id,
    why: waitsForMove
      ? `${cause}; channels on it are moving or rest after a move, and no others relieve it`
      : `${cause}; no other encoder has room below its limit for what would relieve it`,
  });
};

/**
 * Relieves every encoder whose channels are forecast to need more than its limit, the worst first: the fewest
 * channels, and of those the smallest, whose departure brings it under the limit and that fit elsewhere.
 *
 * The concept note moves on *growth* alone (predicted > current x threshold). Growth below the limit harms
 * nobody, and moving for it would cost a handoff a day per channel for nothing (churn), so growth is a figure of
 * the explanation here and the limit decides.
 */
export const planRelief = (draft: PlanDraft): void => {
  const overloads = [...draft.context.loads.values()]
    .filter((load) => load.encoder.reachable && !load.encoder.draining)
    .map((load) => overloadOf(draft.context, load))
    .filter((overload): overload is Overload => overload !== null)
    .sort((a, b) => excessOf(b) - excessOf(a));
  for (const { load } of overloads) {
    // Judged afresh: an earlier relief never makes it worse, but figures may have changed.
    const overload = overloadOf(draft.context, load);
    if (overload) relieve(draft, overload);
  }
};

const excessOf = ({ load }: Overload): number => Math.round((load.peakUnits - load.limitUnits) * 1e6);
