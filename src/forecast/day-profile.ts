import type { CleanSeries } from './clean-series';
import { WeightedValues } from './quantiles';

const DAYS_PER_WEEK = 7;
/** An older day says less and costs time. */
const MAX_LAG_DAYS = 28;

/** A week further back weighs this much less. */
const WEIGHT_PER_WEEK = 0.75;
/** The same for a day, among the similar days. */
const WEIGHT_PER_DAY = 0.93;
/** A weekday that differs by twice the distance of the most similar one weighs e^-(1/this) of it. */
const DISTANCE_TOLERANCE = 0.25;
/** Pairs of days at the usual distance that each pair of weekdays is taken to have been seen with already. */
const PRIOR_PAIRS = 2;
/** Lags below this part of the heaviest are left out. */
const NEGLIGIBLE = 0.005;

/**
 * What a step usually has, from the same step on earlier days. Days are blocks of `daySteps` that end where the
 * fit's history ended; the weekday of a block is its number modulo 7.
 */
export interface DayProfile {
  /** Absolute step at which block 0 begins. */
  phase: number;
  /** Weight of the day `lag` days back, by weekday of the target and lag: [7][MAX_LAG_DAYS + 1]. */
  weights: readonly Float64Array[];
}

const empty = (): Float64Array => new Float64Array(MAX_LAG_DAYS + 1);

const phaseOf = (series: CleanSeries): number => series.firstStep + series.z.length;

/** The same weekday of earlier weeks, the latest weighing most. */
export const weekProfile = (series: CleanSeries): DayProfile => ({
  phase: phaseOf(series),
  weights: Array.from({ length: DAYS_PER_WEEK }, () => {
    const weights = empty();
    for (let lag = DAYS_PER_WEEK; lag <= MAX_LAG_DAYS; lag += DAYS_PER_WEEK)
      weights[lag] = WEIGHT_PER_WEEK ** (lag / DAYS_PER_WEEK);
    return weights;
  }),
});

/** Mean over a day of the absolute difference between two whole days, counted back from the end (0 = the last). */
const dayDistance = ({ z, daySteps }: CleanSeries, a: number, b: number): number => {
  const [startA, startB] = [z.length - (a + 1) * daySteps, z.length - (b + 1) * daySteps];
  let sum = 0;
  for (let i = 0; i < daySteps; i++) sum += Math.abs(z[startA + i]! - z[startB + i]!);
  return sum / daySteps;
};

/**
 * Days of weekdays that were alike in this history: working days learn from all working days, a Sunday from
 * Sundays. Where a pair of weekdays was hardly seen, it is taken to be as alike as any.
 */
export const similarDayProfile = (series: CleanSeries): DayProfile => {
  const days = Math.min(MAX_LAG_DAYS, Math.floor(series.z.length / series.daySteps));
  const size = DAYS_PER_WEEK ** 2;
  const [sums, counts] = [new Float64Array(size), new Float64Array(size)];
  let [total, pairs] = [0, 0];
  for (let a = 0; a < days; a++)
    for (let b = a + 1; b < days; b++) {
      // The square root, so that one wild day counts less.
      const distance = Math.sqrt(dayDistance(series, a, b));
      total += distance;
      pairs++;
      const [i, j] = [a % DAYS_PER_WEEK, b % DAYS_PER_WEEK];
      for (const cell of i === j ? [i * DAYS_PER_WEEK + j] : [i * DAYS_PER_WEEK + j, j * DAYS_PER_WEEK + i]) {
        sums[cell]! += distance;
        counts[cell]! += 1;
      }
    }
  const usual = pairs > 0 ? total / pairs : 0;
  const distances = sums.map(
    (sum, cell) => ((sum + PRIOR_PAIRS * usual) / (counts[cell]! + PRIOR_PAIRS)) ** 2,
  );
  const weights = Array.from({ length: DAYS_PER_WEEK }, (_, weekday) => {
    // Block b counted forward has the weekday b mod 7, which counted back from the end (0 = the last) is this:
    const back = DAYS_PER_WEEK - 1 - weekday;
    const row = distances.subarray(back * DAYS_PER_WEEK, (back + 1) * DAYS_PER_WEEK);
    const nearest = Math.min(...row) || 1;
    const byLag = empty();
    for (let lag = 1; lag <= MAX_LAG_DAYS; lag++) {
      const distance = row[(back + lag) % DAYS_PER_WEEK]!;
      byLag[lag] = Math.exp((1 - distance / nearest) / DISTANCE_TOLERANCE) * WEIGHT_PER_DAY ** lag;
    }
    return byLag;
  });
  return { phase: phaseOf(series), weights };
};

/**
 * The profile's value of steps [from, to), as known `minDaysBack` days before each: the interquartile mean of the
 * same step on earlier days. A step that no earlier day knows gets NaN.
 *
 * @param from, to indices into the history or beyond its end
 */
export const profileValues = (
  { phase, weights }: DayProfile,
  { z, daySteps, firstStep }: CleanSeries,
  from: number,
  to: number,
  minDaysBack: number,
): Float64Array => {
  const result = new Float64Array(to - from);
  const found = new WeightedValues(MAX_LAG_DAYS);
  for (let step = from; step < to; step++) {
    const block = Math.floor((firstStep + step - phase) / daySteps);
    const byLag = weights[((block % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK]!;
    found.clear();
    let heaviest = 0;
    for (let lag = minDaysBack; lag <= MAX_LAG_DAYS && step - lag * daySteps >= 0; lag++) {
      const index = step - lag * daySteps;
      const weight = byLag[lag]!;
      if (index >= z.length || weight === 0 || weight < NEGLIGIBLE * heaviest) continue;
      heaviest = Math.max(heaviest, weight);
      found.insert(z[index]!, weight);
    }
    result[step - from] = found.meanBetween(0.25, 0.75);
  }
  return result;
};
