import type { DemandCurve } from '../domain';
import { conformalQuantile, median } from './quantiles';
import { blendLevel, levelRatio, usualValue } from './seasonal-rule';
import type { SeriesForecast } from './series';

export interface ForecastShape {
  stepSeconds: number;
  /** Steps to forecast; the first is the one right after the history. */
  horizonSteps: number;
  /** Steps in one season, that is one day. */
  seasonSteps: number;
}

export const SEASONAL_MODEL = 'seasonal-naive';
export const HOLD_MODEL = 'hold-level';

/** Fewer past errors than this say nothing about P10 and P90. */
const MIN_RESIDUALS = 10;
/** The rule knows the same weekday only after a week: errors from before it are left out, where there are others. */
const WARM_UP_DAYS = 8;
/** Errors are relative to the forecast plus this fraction of the mean: at night a small audience is no exact one. */
const SCALE_FLOOR_FRACTION = 0.05;
/** A held level is widened by this fraction, growing with the square root of the steps ahead (a random walk's). */
const HOLD_SPREAD_PER_STEP = 0.25;
/** Larger values are a broken counter, not demand. */
const MAX_PLAUSIBLE = 1e12;

const plausible = (value: number | null): number =>
  value !== null && value >= 0 && value <= MAX_PLAUSIBLE ? value : NaN;

const meanOf = (values: Float64Array): number => {
  const known = values.filter((v) => !Number.isNaN(v));
  return known.length > 0 ? known.reduce((sum, v) => sum + v, 0) / known.length : 0;
};

const holdLevel = (values: Float64Array, horizonSteps: number): SeriesForecast => {
  const latest = [...values.filter((v) => !Number.isNaN(v)).slice(-3)];
  const level = latest.length > 0 ? median(latest) : 0;
  const spread = Array.from({ length: horizonSteps }, (_, k) => HOLD_SPREAD_PER_STEP * Math.sqrt(k + 1));
  return {
    curve: {
      p10: spread.map((s) => level * Math.max(0, 1 - s)),
      p50: spread.map(() => level),
      p90: spread.map((s) => level * (1 + s)),
    },
    held: true,
    model: HOLD_MODEL,
  };
};

/**
 * Forecasts a demand series (never negative) by a seasonal naive rule with quantiles.
 *
 * P50 is the usual value of the step (see `usualValue`), shifted towards today's level. P10 and P90 add
 * quantiles of the errors that this very rule made over the history, per step ahead, relative to the size of
 * the forecast. A history shorter than about a day and a half has too few errors to judge by: the current level
 * is held, widened, and `held` is true.
 *
 * @param history one value per step, oldest first; null, NaN, negative or absurd (over 1e12) values are holes
 * @returns curves of `horizonSteps` values with 0 <= p10 <= p50 <= p90
 */
export const forecastSeries = (
  history: readonly (number | null)[],
  { horizonSteps, seasonSteps }: ForecastShape,
): SeriesForecast => {
  const values = Float64Array.from(history, plausible);
  const end = values.length;
  const floor = SCALE_FLOOR_FRACTION * meanOf(values);
  const usual = values.map((_, step) => usualValue(values, step, seasonSteps, 1));
  const ratioAt = values.map((_, origin) => levelRatio(values, usual, origin, floor));
  const firstOrigin = Math.max(seasonSteps, Math.min(WARM_UP_DAYS * seasonSteps, Math.floor(end / 2)));
  const ratioNow = levelRatio(values, usual, end, floor);

  const curve: DemandCurve = { p10: [], p50: [], p90: [] };
  for (let ahead = 0; ahead < horizonSteps; ahead++) {
    // Beyond one day ahead, yesterday's value of that step is not known yet either.
    const minDaysBack = 1 + Math.floor(ahead / seasonSteps);
    const errors: number[] = [];
    for (let origin = firstOrigin; origin + ahead < end; origin++) {
      const step = origin + ahead;
      const base =
        minDaysBack === 1 ? (usual[step] as number) : usualValue(values, step, seasonSteps, minDaysBack);
      const predicted = blendLevel(base, ratioAt[origin] as number, ahead);
      const scale = predicted + floor;
      const error = scale > 0 ? ((values[step] as number) - predicted) / scale : 0;
      if (!Number.isNaN(error) && !Number.isNaN(base)) errors.push(error);
    }
    const base = usualValue(values, end + ahead, seasonSteps, minDaysBack);
    if (Number.isNaN(base) || errors.length < MIN_RESIDUALS) return holdLevel(values, horizonSteps);
    const sorted = Float64Array.from(errors).sort();
    const predicted = blendLevel(base, ratioNow, ahead);
    const shifted = (level: number): number =>
      predicted + conformalQuantile(sorted, level) * (predicted + floor);
    curve.p50.push(predicted);
    curve.p10.push(Math.max(0, Math.min(predicted, shifted(0.1))));
    curve.p90.push(Math.max(predicted, shifted(0.9)));
  }
  return { curve, held: false, model: SEASONAL_MODEL };
};
