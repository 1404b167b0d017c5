import type { CleanSeries } from './clean-series';
import { WeightedValues } from './quantiles';

const DAYS_PER_WEEK = 7;
/** An older day says less and costs time. */
const MAX_LAG_DAYS = 28;

/** A week further back weighs this much less. */
const WEIGHT_PER_WEEK = 0.75;
/** The same for a day, among the similar days. */
const WEIGHT_PER_DAY = 0.88;
/** A weekday that differs by twice the distance of the most similar one weighs e^-(1/this) of it. */
const DISTANCE_TOLERANCE = 0.4;
/** Pairs of days at the usual distance that each pair of weekdays is taken to have been seen with already. */
const PRIOR_PAIRS = 6;
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
  byWeekday: readonly Float64Array[];
  /** The same for the days of the history, counted back from its end (0 = the last), where they need their own. */
  ofPastDay: readonly Float64Array[];
}

const noWeights = (): Float64Array => new Float64Array(MAX_LAG_DAYS + 1);

const phaseOf = (series: CleanSeries): number => series.firstStep + series.z.length;

/** The same weekday of earlier weeks, the latest weighing most. */
export const weekProfile = (series: CleanSeries): DayProfile => ({
  phase: phaseOf(series),
  ofPastDay: [],
  byWeekday: Array.from({ length: DAYS_PER_WEEK }, () => {
    const weights = noWeights();
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

/** Sums of the distances of pairs of days, by the weekdays of both, counted back from the end modulo 7. */
class WeekdayDistances {
  private readonly sums = new Float64Array(DAYS_PER_WEEK ** 2);
  private readonly counts = new Float64Array(DAYS_PER_WEEK ** 2);
  private total = 0;
  private pairs = 0;

  add(a: number, b: number, distance: number, sign: 1 | -1): void {
    const [i, j] = [a % DAYS_PER_WEEK, b % DAYS_PER_WEEK];
    this.total += sign * distance;
    this.pairs += sign;
    for (const cell of i === j ? [i * DAYS_PER_WEEK + j] : [i * DAYS_PER_WEEK + j, j * DAYS_PER_WEEK + i]) {
      this.sums[cell]! += sign * distance;
      this.counts[cell]! += sign;
    }
  }

  /** Weight of the day `lag` days before a day of this weekday (counted back). */
  weights(weekday: number): Float64Array {
    const usual = this.pairs > 0 ? this.total / this.pairs : 0;
    const distances = Array.from({ length: DAYS_PER_WEEK }, (_, other) => {
      const cell = weekday * DAYS_PER_WEEK + other;
      return ((this.sums[cell]! + PRIOR_PAIRS * usual) / (this.counts[cell]! + PRIOR_PAIRS)) ** 2;
    });
    const nearest = Math.min(...distances);
    const weights = noWeights();
    for (let lag = 1; lag <= MAX_LAG_DAYS; lag++) {
      const distance = distances[(weekday + lag) % DAYS_PER_WEEK]!;
      const excess = nearest > 0 ? distance / nearest - 1 : 0;
      weights[lag] = Math.exp(-excess / DISTANCE_TOLERANCE) * WEIGHT_PER_DAY ** lag;
    }
    return weights;
  }
}

/**
 * Days of weekdays that were alike in this history: working days learn from all working days, a Sunday from
 * Sundays. Where a pair of weekdays was hardly seen, it is taken to be as alike as any. The weights of a past day
 * are found without that day: else held-back forecasts of it would know which days it was to resemble.
 */
export const similarDayProfile = (series: CleanSeries): DayProfile => {
  const days = Math.min(MAX_LAG_DAYS, Math.floor(series.z.length / series.daySteps));
  const distances = new WeekdayDistances();
  const between = Array.from({ length: days }, () => new Float64Array(days));
  for (let a = 0; a < days; a++)
    for (let b = a + 1; b < days; b++) {
      // The square root, so that one wild day counts less.
      const distance = Math.sqrt(dayDistance(series, a, b));
      between[a]![b] = between[b]![a] = distance;
      distances.add(a, b, distance, 1);
    }
  const others = (day: number): number[] =>
    Array.from({ length: days }, (_, b) => b).filter((b) => b !== day);
  const ofPastDay = Array.from({ length: days }, (_, day) => {
    for (const other of others(day)) distances.add(day, other, between[day]![other]!, -1);
    const weights = distances.weights(day % DAYS_PER_WEEK);
    for (const other of others(day)) distances.add(day, other, between[day]![other]!, 1);
    return weights;
  });
  const byWeekday = Array.from({ length: DAYS_PER_WEEK }, (_, weekday) =>
    // Block b has the weekday b mod 7. Counted back from the end (0 = the last, block -1), it is this one:
    distances.weights(DAYS_PER_WEEK - 1 - weekday),
  );
  return { phase: phaseOf(series), byWeekday, ofPastDay };
};

/**
 * The profile's value of steps [from, to), as known `minDaysBack` days before each: the interquartile mean of the
 * same step on earlier days. A step that no earlier day knows gets NaN.
 *
 * @param from, to indices into the history or beyond its end
 */
export const profileValues = (
  { phase, byWeekday, ofPastDay }: DayProfile,
  { z, daySteps, firstStep }: CleanSeries,
  from: number,
  to: number,
  minDaysBack: number,
): Float64Array => {
  const result = new Float64Array(to - from);
  const found = new WeightedValues(MAX_LAG_DAYS);
  for (let step = from; step < to; step++) {
    const block = Math.floor((firstStep + step - phase) / daySteps);
    const weekday = ((block % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK;
    const byLag = ofPastDay[-1 - block] ?? byWeekday[weekday]!;
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
