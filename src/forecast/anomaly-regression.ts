import { anomaliesOf, spikeLimit, type Anomalies } from './anomalies';
import type { CleanSeries } from './clean-series';
import { profileValues, type DayProfile } from './day-profile';
import { believableRange, within } from './extrapolation';
import type { FitFrame, PointMember } from './point-member';
import { NormalEquations, solveRidge } from './ridge';

export interface RegressionOptions {
  name: string;
  profile: DayProfile;
  /** First step whose profile is good enough to learn from. */
  firstStep: number;
  /** What a forecast without any coefficient is: the profile's value, or the last value. */
  anchor: 'profile' | 'last';
  /** Learns from origins that lie a multiple of this many steps back: the same hour of a day, or minute of an hour. */
  originPeriod: number;
}

/** Penalty relative to each feature's own sum of squares. */
const SHRINKAGE = 0.2;
/** Latest changes from step to step that are features, where the anchor is the last value. */
const CHANGES = 4;
/** Number of days before whose same step is a feature. */
const DAY_LAGS = 2;
/** A fold of the held-back forecasts leaves out one part in this many of the history. */
const FOLDS = 5;
/** Rows times horizon above which origins are thinned out. */
const MAX_CELLS = 30_000;

/** Anomalies are averaged over the last step, 3 steps, hour, quarter of a day, and day. */
const windowsOf = (daySteps: number): number[] =>
  [...new Set([1, 3, Math.round(daySteps / 24), Math.round(daySteps / 4), daySteps])].filter((w) => w > 0);

/** Steps before an origin that its features look at, besides the days of the profile. */
export const lookBackSteps = (daySteps: number): number => (DAY_LAGS + 1) * daySteps + 1;

/** Writes features and tells the anchor of forecasts from any origin; shared by fit and forecast. */
class RegressionRow {
  readonly size: number;
  private readonly windows: number[];

  constructor(
    private readonly daySteps: number,
    private readonly fromLast: boolean,
  ) {
    this.windows = windowsOf(daySteps);
    this.size = this.windows.length + DAY_LAGS + (fromLast ? CHANGES + 1 : 0);
  }

  /** The value of a step with its spike cut; before the profile begins, the profile is all there is: 0. */
  private level({ from, usual, values }: Anomalies, step: number): number {
    const i = step - from;
    const value = i >= 0 ? usual[i]! + values[i]! : NaN;
    return Number.isNaN(value) ? 0 : value;
  }

  anchor(anomalies: Anomalies, origin: number, usualOfTarget: number): number {
    return this.fromLast ? this.level(anomalies, origin - 1) : usualOfTarget;
  }

  write(
    features: Float64Array,
    anomalies: Anomalies,
    origin: number,
    ahead: number,
    usualOfTarget: number,
  ): void {
    const { from, usual, values, sums } = anomalies;
    const at = origin - from;
    let k = 0;
    for (const window of this.windows) {
      const begin = Math.max(0, at - window);
      features[k++] = (sums[at]! - sums[begin]!) / Math.max(1, at - begin);
    }
    for (let day = 1; day <= DAY_LAGS; day++) {
      const i = at + ahead - day * this.daySteps;
      features[k++] = i >= 0 && i < at ? values[i]! : 0;
    }
    if (!this.fromLast) return;
    for (let back = 1; back <= CHANGES; back++)
      features[k++] = this.level(anomalies, origin - back) - this.level(anomalies, origin - back - 1);
    const usualNow = usual[at - 1] ?? NaN;
    features[k] = Number.isNaN(usualNow) ? 0 : usualOfTarget - usualNow;
  }
}

/** Origins to learn from: all of the period, thinned out where rows times horizon are too many. */
const rowsOf = ({ series, horizon }: FitFrame, { firstStep, originPeriod }: RegressionOptions): number[] => {
  const end = series.z.length;
  const rows = (end - firstStep) / originPeriod;
  const stride = originPeriod * Math.max(1, Math.ceil((rows * horizon) / MAX_CELLS));
  const origins: number[] = [];
  for (let origin = end - stride; origin > firstStep; origin -= stride) origins.push(origin);
  return origins.reverse();
};

const dot = (weights: Float64Array, features: Float64Array): number => {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k]! * features[k]!;
  return sum;
};

/** Days before a target that are not known yet to a forecast this many steps ahead, plus one. */
const minDaysBack = (ahead: number, daySteps: number): number => 1 + Math.floor(ahead / daySteps);

/** Profile of steps from `begin`, for each day ahead: [0] is known one day before. */
const profileByDay = (
  profile: DayProfile,
  series: CleanSeries,
  begin: number,
  horizon: number,
): Float64Array[] =>
  Array.from({ length: Math.ceil(horizon / series.daySteps) }, (_, day) =>
    profileValues(profile, series, begin, series.z.length + horizon, day + 1),
  );

/**
 * Ridge regression, one per step ahead, of what will depart from a day profile on what departs from it now: the
 * latest steps, hours, day, and the same step of the days before. Direct (no forecast feeds on another), on the
 * logarithmic scale, with spikes cut.
 */
export const fitAnomalyRegression = (frame: FitFrame, options: RegressionOptions): PointMember => {
  const { series, horizon } = frame;
  const { profile, firstStep } = options;
  const { z, known, daySteps } = series;
  const end = z.length;
  const begin = Math.max(0, firstStep - lookBackSteps(daySteps));
  const limit = spikeLimit(series, profile, firstStep);
  const anomalies = anomaliesOf(series, profile, { from: begin, to: end + horizon, limit });
  const usualByDay = profileByDay(profile, series, begin, horizon);
  const row = new RegressionRow(daySteps, options.anchor === 'last');
  const features = new Float64Array(row.size);
  const origins = rowsOf(frame, options);
  const foldOf = (origin: number): number => Math.floor(((origin - firstStep) / (end - firstStep)) * FOLDS);
  const past = new Float64Array(frame.origins.length * horizon).fill(NaN);
  const believable = believableRange(series);

  const coefficients = Array.from({ length: horizon }, (_, ahead): Float64Array => {
    const usual = usualByDay[minDaysBack(ahead, daySteps) - 1]!;
    const folds = Array.from({ length: FOLDS }, () => new NormalEquations(row.size));
    for (const origin of origins) {
      const target = origin + ahead - begin;
      const usualOfTarget = usual[target]!;
      if (origin + ahead >= end || !known[origin + ahead] || Number.isNaN(usualOfTarget)) continue;
      row.write(features, anomalies, origin, ahead, usualOfTarget);
      const actual = anomalies.usual[target]! + anomalies.values[target]!;
      folds[foldOf(origin)]!.addRow(features, actual - row.anchor(anomalies, origin, usualOfTarget));
    }
    const all = folds.reduce((sum, fold) => sum.add(fold), new NormalEquations(row.size));
    const withoutFold = folds.map((fold) => solveRidge(all.copy().add(fold, -1), SHRINKAGE));
    frame.origins.forEach((origin, index) => {
      const usualOfTarget = usual[origin + ahead - begin]!;
      if (origin <= firstStep || Number.isNaN(usualOfTarget)) return;
      row.write(features, anomalies, origin, ahead, usualOfTarget);
      const forecast =
        row.anchor(anomalies, origin, usualOfTarget) + dot(withoutFold[foldOf(origin)]!, features);
      past[index * horizon + ahead] = within(believable, forecast);
    });
    return solveRidge(all, SHRINKAGE);
  });

  return { name: options.name, past, forecast: forecastBy(coefficients, profile, limit, row) };
};

/** A function of its own, so that a kept fit holds on to its coefficients only, not to what they were learned from. */
const forecastBy =
  (coefficients: readonly Float64Array[], profile: DayProfile, limit: number, row: RegressionRow) =>
  (now: CleanSeries): Float64Array => {
    const { daySteps } = now;
    const origin = now.z.length;
    const from = Math.max(0, origin - lookBackSteps(daySteps));
    const latest = anomaliesOf(now, profile, { from, to: origin + coefficients.length, limit });
    const ahead = profileByDay(profile, now, origin, coefficients.length);
    const features = new Float64Array(row.size);
    const believable = believableRange(now);
    return Float64Array.from(coefficients, (weights, step) => {
      const usualOfTarget = ahead[minDaysBack(step, daySteps) - 1]![step]!;
      row.write(features, latest, origin, step, usualOfTarget);
      return within(believable, row.anchor(latest, origin, usualOfTarget) + dot(weights, features));
    });
  };
