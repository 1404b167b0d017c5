import type { CleanSeries } from './clean-series';
import { profileValues, similarDayProfile } from './day-profile';
import { medianOf } from './quantiles';
import { NormalEquations, solveRidge } from './ridge';

/** Tried as c: an event of level l multiplies demand by about 1 + c l. */
const STRENGTHS = [0.1, 0.3, 1, 3, 10];
/** Levels of this many steps before and after are features: audiences come early and leave late. */
const BEFORE = 2;
const AFTER = 2;
const FEATURES = BEFORE + 1 + AFTER;
/** The profile is learned again without the effect found, so often. */
const ROUNDS = 3;
const SHRINKAGE = 0.02;
/** Departures larger than this many usual ones are cut: a surge of another cause is not the event's. */
const MAX_DEPARTURES = 12;
const MIN_DEPARTURE = 0.02;

/** What known events did to a series: `coefficients` of log(1 + strength x level) of the steps around. */
export interface EventEffect {
  strength: number;
  coefficients: Float64Array;
}

/** True where any event touches the step. */
export const eventAt = (levels: readonly number[], step: number): boolean => {
  for (let k = -BEFORE; k <= AFTER; k++) if ((levels[step + k] ?? 0) > 0) return true;
  return false;
};

const writeFeatures = (
  features: Float64Array,
  levels: readonly number[],
  step: number,
  strength: number,
): void => {
  for (let k = 0; k < FEATURES; k++)
    features[k] = Math.log1p(strength * Math.max(0, levels[step + k - BEFORE] ?? 0));
};

/** Effect on steps [from, to) on the logarithmic scale. */
export const effectOn = (
  { strength, coefficients }: EventEffect,
  levels: readonly number[],
  from: number,
  to: number,
): Float64Array => {
  const features = new Float64Array(FEATURES);
  return Float64Array.from({ length: to - from }, (_, i) => {
    if (!eventAt(levels, from + i)) return 0;
    writeFeatures(features, levels, from + i, strength);
    return features.reduce((sum, feature, k) => sum + feature * coefficients[k]!, 0);
  });
};

/** How the history without the effect found so far departs from its profile, plus that effect; NaN where unknown. */
const departures = (series: CleanSeries, effect: Float64Array, levels: readonly number[]): Float64Array => {
  const without = { ...series, z: series.z.map((value, step) => value - effect[step]!) };
  const usual = profileValues(similarDayProfile(without), without, 0, series.z.length, 1);
  const raw = without.z.map((value, step) => (series.known[step] ? value - usual[step]! : NaN));
  const quiet = [...raw].filter((value, step) => !Number.isNaN(value) && !eventAt(levels, step));
  if (quiet.length === 0) return raw;
  const size = Math.max(MIN_DEPARTURE, medianOf(quiet.map(Math.abs)));
  const level = medianOf(quiet);
  return raw.map((value, step) => {
    const cut = Math.max(-MAX_DEPARTURES * size, Math.min(MAX_DEPARTURES * size, value - level));
    // The cut is on what is new: an effect already found may be as large as it is.
    return cut + effect[step]!;
  });
};

/**
 * Learns what known events are worth, by ridge regression of the departures from the day profile on the levels of
 * the steps around; in rounds, because the profile is not to contain the events.
 *
 * @param levels level per step of the history, 0 where there is no event
 * @returns null where no event lies in the part of the history that has a profile
 */
export const fitEventEffect = (series: CleanSeries, levels: readonly number[]): EventEffect | null => {
  const { z, daySteps } = series;
  const touched: number[] = [];
  for (let step = daySteps; step < z.length; step++) if (eventAt(levels, step)) touched.push(step);
  if (touched.length === 0) return null;
  const features = new Float64Array(FEATURES);
  let effect: Float64Array = new Float64Array(z.length);
  let best: EventEffect | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    const departure = departures(series, effect, levels);
    let least = Infinity;
    for (const strength of STRENGTHS) {
      const equations = new NormalEquations(FEATURES);
      for (const step of touched) {
        if (Number.isNaN(departure[step]!)) continue;
        writeFeatures(features, levels, step, strength);
        equations.addRow(features, departure[step]!);
      }
      const candidate = { strength, coefficients: solveRidge(equations, SHRINKAGE) };
      const fitted = effectOn(candidate, levels, 0, z.length);
      let loss = 0;
      for (const step of touched)
        if (!Number.isNaN(departure[step]!)) loss += (departure[step]! - fitted[step]!) ** 2;
      if (loss < least) [best, least, effect] = [candidate, loss, fitted];
    }
  }
  return best;
};
