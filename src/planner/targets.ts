import {
  boundOf,
  hasSessionLeft,
  isAllowed,
  regionsOf,
  rejectionOf,
  type FillBound,
  type Rejection,
} from './constraints';
import { seen, type PlanningContext } from './context';
import { NOWHERE } from './placement-table';

export interface TargetOptions {
  atMost: FillBound;
  exclude?: readonly number[];
}

/** A fleet up to this size is listed in full where a choice is explained. */
const LISTED_FLEET = 12;
/** Of a larger one: how many. */
const LISTED_OF_LARGE_FLEET = 3;

/** Scores that differ by rounding only are equal, so that the last digits of a sum do not decide where the id should. */
const SCORE_GRAIN = 1e-9;

interface Candidate {
  encoder: number;
  score: number;
}

/** For encoders of the index, which are usable. */
const canTake = (context: PlanningContext, encoder: number, channel: number, bound: FillBound): boolean => {
  const { table, policy } = context;
  return (
    table.fits(encoder, channel, boundOf(table, encoder, bound)) &&
    hasSessionLeft(table, encoder) &&
    isAllowed(table, policy, encoder, channel)
  );
};

/** Zones and classes that can be right for a channel at all. */
const acceptFor = (
  { table, policy, tracker }: PlanningContext,
  channel: number,
): ((zone: number, classNumber: number) => boolean) => {
  const pin = table.channelSeen[channel]?.spec.placement?.zone;
  const onlyZone = pin === undefined ? NOWHERE : tracker.zones.find(pin);
  const owner = table.ownerOf[channel]!;
  const mayChangeClass = policy.allowDiscontinuity || owner === NOWHERE || table.isWaiting[channel] === 1;
  const onlyClass = mayChangeClass ? NOWHERE : table.classOf[owner]!;
  return (zone, classNumber) =>
    (pin === undefined || zone === onlyZone) && (onlyClass === NOWHERE || classNumber === onlyClass);
};

const isFitter = (context: PlanningContext, a: Candidate, b: Candidate): boolean => {
  const { encoders } = context.table;
  const difference = Math.round((a.score - b.score) / SCORE_GRAIN);
  return difference > 0 || (difference === 0 && encoders.compare(a.encoder, b.encoder) < 0);
};

/** The fittest encoders of a region that can take a channel, best first; equal scores go by id. */
const fittestIn = (
  context: PlanningContext,
  channel: number,
  region: string,
  options: TargetOptions,
  count: number,
): Candidate[] => {
  const { index, tracker } = context;
  const found: Candidate[] = [];
  index.search(channel, tracker.regions.find(region), acceptFor(context, channel), (encoder) => {
    if (!options.exclude?.includes(encoder) && canTake(context, encoder, channel, options.atMost)) {
      const candidate = { encoder, score: index.scoreWith(encoder, channel) };
      let place = found.length;
      while (place > 0 && isFitter(context, candidate, found[place - 1]!)) place -= 1;
      if (place < count) found.splice(place, 0, candidate);
      if (found.length > count) found.pop();
    }
    const last = found[count - 1];
    return last ? last.score - SCORE_GRAIN : -1;
  });
  return found;
};

const fittest = (
  context: PlanningContext,
  channel: number,
  options: TargetOptions,
  count: number,
): Candidate[] => {
  const found: Candidate[] = [];
  for (const region of context.rankRegions(regionsOf(context.table, channel))) {
    found.push(...fittestIn(context, channel, region, options, count - found.length));
    if (found.length >= count) break;
  }
  return found;
};

/**
 * Chooses the encoder for a channel: in the nearest region of its audience that is not congested and has room, the
 * fittest. NOWHERE if none can take it.
 */
export const targetFor = (context: PlanningContext, channel: number, options: TargetOptions): number =>
  fittest(context, channel, options, 1)[0]?.encoder ?? NOWHERE;

export interface Alternatives {
  rejected: Rejection[];
  /** In a large fleet, where not every encoder is listed. */
  counts?: ChoiceCounts;
}

/** How many encoders each cause rules out. */
export type ChoiceCounts = Record<
  'silentCordonedOrDraining' | 'otherRegion' | 'otherClassOrZone' | 'fullOrLessFit',
  number
>;

/** The encoders that were not chosen for a channel and why. Call before the target's load is changed. */
export const alternativesTo = (
  context: PlanningContext,
  channel: number,
  target: number,
  options: TargetOptions,
): Alternatives => {
  const { table, index } = context;
  const all = table.encoders.inOrder();
  const chosen = { encoder: target, score: target === NOWHERE ? 0 : index.scoreWith(target, channel) };
  const others =
    all.length <= LISTED_FLEET
      ? all.filter((e) => e !== target && !options.exclude?.includes(e))
      : fittest(context, channel, { ...options, exclude: [...(options.exclude ?? []), target] }, LISTED_OF_LARGE_FLEET).map((c) => c.encoder); // prettier-ignore

  const rejected: Rejection[] = [];
  const lessFit: Candidate[] = [];
  for (const encoder of others) {
    const rejection = rejectionOf(table, context.policy, encoder, channel, options.atMost);
    if (rejection) rejected.push(rejection);
    else lessFit.push({ encoder, score: index.scoreWith(encoder, channel) });
  }
  lessFit.sort((a, b) => (isFitter(context, a, b) ? -1 : 1));
  for (const candidate of lessFit) rejected.push(lesserOf(context, candidate, chosen));
  return all.length <= LISTED_FLEET
    ? { rejected }
    : { rejected, counts: countsByCause(context, channel, options.exclude?.length ?? 0, target) };
};

const lesserOf = (context: PlanningContext, candidate: Candidate, chosen: Candidate): Rejection => {
  const { table } = context;
  const { region } = seen(table, candidate.encoder);
  const figures = `${candidate.score.toFixed(3)}, ${table.encoders.idOf(chosen.encoder)} ${chosen.score.toFixed(3)}`;
  // The region decides before fitness does.
  const why =
    region !== seen(table, chosen.encoder).region
      ? `in region ${region}, which is further from the audience or congested: ${figures}`
      : isFitter(context, chosen, candidate)
        ? `less fit with it: ${figures}`
        : `as fit with it (${figures}), but the moves together are fewer with the other`;
  return { encoderId: table.encoders.idOf(candidate.encoder), code: 'no-target', why };
};

/** How many encoders each cause rules out, without looking at every one. */
const countsByCause = (
  context: PlanningContext,
  channel: number,
  excluded: number,
  target: number,
): ChoiceCounts => {
  const { table, index, tracker } = context;
  const regions = regionsOf(table, channel).map((region) => tracker.regions.find(region));
  const anywhere = regions.reduce((sum, region) => sum + index.countIn(region, () => true), 0);
  const accepts = acceptFor(context, channel);
  const eligible = regions.reduce((sum, region) => sum + index.countIn(region, accepts), 0);
  return {
    silentCordonedOrDraining: table.encoders.size - index.size,
    otherRegion: index.size - anywhere,
    otherClassOrZone: anywhere - eligible,
    fullOrLessFit: Math.max(0, eligible - excluded - (target === NOWHERE ? 0 : 1)),
  };
};
