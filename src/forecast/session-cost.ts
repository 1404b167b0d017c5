import { unitsForAudience, type ChannelSpec, type EncodingObservation } from '../domain';
import { median } from './quantiles';
import { robustLine } from './robust-line';

/** What a channel costs beside others with the same ladder. */
export interface SessionCost {
  /** Cores of a session whatever its ladder (mostly decoding the contribution), and per nominal unit. */
  coresPerSession: number;
  coresPerUnit: number;
  /** Growth of the logarithm of the cost per unit of log bits per pixel; 0 where history shows none. */
  complexityExponent: number;
  /** Multiplier of the nominal units by channel id; channels without enough history are absent, which means 1. */
  factors: Record<string, number>;
  observations: number;
}

/** Stretches from which on a channel is judged by itself. */
const MIN_STRETCHES = 5;
const MIN_CHANNELS = 3;
/** Nothing beyond this is content: it is a broken measurement. */
const MAX_FACTOR = 2;

export const NOMINAL_COST: SessionCost = {
  coresPerSession: 0,
  coresPerUnit: 0,
  complexityExponent: 0,
  factors: {},
  observations: 0,
};

const usable = ({ units, cpuCores, bitsPerPixel }: EncodingObservation): boolean =>
  [units, cpuCores, bitsPerPixel].every((v) => Number.isFinite(v) && v > 0);

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
};

/** cores = coresPerSession + coresPerUnit · units over all sessions, robustly; neither below 0. */
const ladderCost = (observations: readonly EncodingObservation[]): { base: number; perUnit: number } => {
  const line = robustLine(
    observations.map((observation) => observation.units),
    observations.map((observation) => observation.cpuCores),
  );
  if (line.slope > 0 && line.intercept >= 0) return { base: line.intercept, perUnit: line.slope };
  return {
    base: 0,
    perUnit: median(observations.map((observation) => observation.cpuCores / observation.units)),
  };
};

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const middle = mean(values);
  return values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / Math.max(1, values.length - 1);
};

/** Removes what an encoder's hardware or build adds: its median, believed the more the more channels it carries. */
const withoutEncoders = (observations: readonly EncodingObservation[], logs: readonly number[]): number[] => {
  const offsets = new Map<string, number>();
  for (const [id, group] of groupBy(observations, (observation) => observation.encoderId)) {
    const channels = new Set(group.map((observation) => observation.channelId)).size;
    const values = observations.flatMap((observation, i) =>
      observation.encoderId === id ? [logs[i] as number] : [],
    );
    offsets.set(id, median(values) * (1 - 1 / channels));
  }
  return logs.map(
    (value, i) => value - (offsets.get((observations[i] as EncodingObservation).encoderId) ?? 0),
  );
};

/**
 * Learns from encoding history what channels cost, by three regressions, each robust: the cores of a session on its
 * ladder; what is left on content complexity (bits per pixel beyond what that ladder usually takes); and what is
 * left then on the channel itself, drawn towards 0 as James and Stein do, so that channels which differ by no more
 * than their own noise get exactly the nominal cost.
 *
 * @returns NOMINAL_COST where there is too little history: fewer than 3 channels of 5 stretches each
 */
export const learnSessionCost = (history: readonly EncodingObservation[]): SessionCost => {
  const enough = new Set(
    [...groupBy(history.filter(usable), (observation) => observation.channelId)]
      .filter(([, group]) => group.length >= MIN_STRETCHES)
      .map(([id]) => id),
  );
  if (enough.size < MIN_CHANNELS) return NOMINAL_COST;
  const observations = history.filter(
    (observation) => usable(observation) && enough.has(observation.channelId),
  );
  const { base, perUnit } = ladderCost(observations);
  const excess = withoutEncoders(
    observations,
    observations.map((observation) => Math.log(observation.cpuCores / (base + perUnit * observation.units))),
  );
  const sizes = observations.map((observation) => Math.log(observation.units));
  const bits = observations.map((observation) => Math.log(observation.bitsPerPixel));
  const usualBits = robustLine(sizes, bits);
  const complexity = bits.map((v, i) => v - usualBits.intercept - usualBits.slope * (sizes[i] as number));

  const ids = [...enough].sort();
  const of = (id: string, values: readonly number[]): number[] =>
    values.filter((_, i) => observations[i]?.channelId === id);
  const channelExcess = ids.map((id) => median(of(id, excess)));
  const channelComplexity = ids.map((id) => median(of(id, complexity)));
  const line = robustLine(channelComplexity, channelExcess);
  const strength = line.slope === 0 ? 0 : (line.slopeError / line.slope) ** 2;
  const exponent = line.slope * Math.max(0, 1 - 4 * strength);

  const own = channelExcess.map((v, i) => v - exponent * (channelComplexity[i] as number));
  const noise = mean(ids.map((id) => variance(of(id, excess)) / of(id, excess).length));
  const between = Math.max(0, variance(own) - noise);
  const trust = between > 0 ? between / (between + noise) : 0;
  const centre = median(own);
  const factors = ids.map((id, i) => {
    const log = exponent * (channelComplexity[i] as number) + trust * ((own[i] as number) - centre);
    return [id, Math.min(MAX_FACTOR, Math.max(1 / MAX_FACTOR, Math.exp(log)))] as const;
  });
  return {
    coresPerSession: base,
    coresPerUnit: perUnit,
    complexityExponent: exponent,
    factors: Object.fromEntries(factors),
    observations: observations.length,
  };
};

/** Encode units that a channel will need for an audience of this size: its ladder's, times its content's cost. */
export const unitsForViewers = (spec: ChannelSpec, viewers: number, cost: SessionCost): number =>
  unitsForAudience(spec, viewers) * (cost.factors[spec.id] ?? 1);
