import { median, weightedMedian } from './quantiles';

/** A day that lies one day further back weighs this much less. */
const WEIGHT_PER_DAY = 0.95;
/** The same day of the week is worth this many ordinary days: weekends differ from working days. */
const SAME_WEEKDAY_WEIGHT = 10;
const DAYS_PER_WEEK = 7;
/** No more than three weeks back: an older day says less and costs time. */
const MAX_DAYS = 21;

/** The latest steps against their usual values tell how far today stands above or below a usual day. */
const LEVEL_STEPS = 3;
/** Share of today's deviation still believed one step ahead, and its decay per further step. */
const LEVEL_TRUST = 0.9;
const LEVEL_DECAY = 0.85;
/** Today is never taken to be more than this many times a usual day, nor less than one part of it. */
const MAX_LEVEL_RATIO = 4;

export const weightOfDay = (daysBack: number): number =>
  WEIGHT_PER_DAY ** (daysBack - 1) * (daysBack % DAYS_PER_WEEK === 0 ? SAME_WEEKDAY_WEIGHT : 1);

/**
 * The usual value of one step: weighted median of the same step on earlier days, the latest and the same
 * weekday weighing most. A median, so that one wild day moves nothing.
 *
 * @param history values, NaN = hole
 * @param step index into the history, or beyond its end
 * @param minDaysBack days nearer than this are not known yet to a forecast so far ahead
 * @returns NaN where no earlier day knows this step
 */
export const usualValue = (
  history: Float64Array,
  step: number,
  seasonSteps: number,
  minDaysBack: number,
): number => {
  const values: number[] = [];
  const weights: number[] = [];
  for (let day = minDaysBack; day <= MAX_DAYS; day++) {
    const index = step - day * seasonSteps;
    if (index < 0) break;
    const value = index < history.length ? (history[index] as number) : NaN;
    if (Number.isNaN(value)) continue;
    values.push(value);
    weights.push(weightOfDay(day));
  }
  return values.length > 0 ? weightedMedian(values, weights) : NaN;
};

/**
 * How far the steps just before `origin` lie above (over 1) or below (under 1) their usual values; the median
 * of the last three, so that a single spike does not count. 1 where it can't be determined.
 *
 * @param floor added to both sides, so that a quiet hour's small numbers make no large ratio
 */
export const levelRatio = (
  history: Float64Array,
  usual: Float64Array,
  origin: number,
  floor: number,
): number => {
  const ratios: number[] = [];
  for (let step = Math.max(0, origin - LEVEL_STEPS); step < origin; step++) {
    const ratio = ((history[step] as number) + floor) / ((usual[step] as number) + floor);
    if (Number.isFinite(ratio)) ratios.push(ratio);
  }
  if (ratios.length === 0) return 1;
  return Math.min(MAX_LEVEL_RATIO, Math.max(1 / MAX_LEVEL_RATIO, median(ratios)));
};

/** The rule's value `stepsAhead` (0 = the first) after an origin with this level ratio. */
export const blendLevel = (usual: number, ratio: number, stepsAhead: number): number =>
  usual * (1 + (ratio - 1) * LEVEL_TRUST * LEVEL_DECAY ** stepsAhead);
