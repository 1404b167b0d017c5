import type { DemandCurve } from '../domain';
import { fitAnomalyRegression } from './anomaly-regression';
import { errorQuantiles, errorSizes, sizeOf, type ErrorSizes } from './calibration';
import { toDemand, type CleanSeries } from './clean-series';
import { combined, memberWeights } from './combine';
import { similarDayProfile, weekProfile } from './day-profile';
import { fitDoubleSeasonal } from './double-seasonal';
import type { FitFrame, PointMember } from './point-member';
import { WeightedValues } from './quantiles';

const DAYS_PER_WEEK = 7;
export const MIN_DAYS = 3;

const hourSteps = (daySteps: number): number =>
  daySteps % 24 === 0 && daySteps / 24 >= 2 ? daySteps / 24 : daySteps;

export const fitMembers = (series: CleanSeries, horizon: number): { frame: FitFrame; members: PointMember[] } => {
  const { daySteps } = series;
  const days = Math.floor(series.z.length / daySteps);
  const weekly = days >= 2 * DAYS_PER_WEEK;
  const firstOrigin = Math.min(DAYS_PER_WEEK * daySteps, Math.floor(series.z.length / 2));
  const frame = { series, horizon, firstOrigin };
  const similar = similarDayProfile(series);
  const week = weekProfile(series);
  const period = hourSteps(daySteps);
  const regression = (
    name: string,
    profile: typeof week,
    anchor: 'profile' | 'last',
    originPeriod: number,
  ): PointMember =>
    fitAnomalyRegression(frame, {
      name,
      profile,
      firstStep: profile === week ? DAYS_PER_WEEK * daySteps : firstOrigin,
      anchor,
      originPeriod,
    });
  const members = [
    regression('day', similar, 'profile', 1),
    regression('day-last', similar, 'last', 1),
    regression('day-hour', similar, period < daySteps ? 'last' : 'profile', period),
    fitDoubleSeasonal(frame),
  ];
  if (weekly)
    members.push(
      regression('week', week, 'profile', 1),
      regression('week-last', week, 'last', 1),
      regression('week-hour', week, period < daySteps ? 'last' : 'profile', period),
    );
  return { frame, members };
};

export interface EnsembleFit {
  scale: number;
  members: PointMember[];
  weights: Float64Array;
  sizes: ErrorSizes;
  quantiles: Float64Array[];
  horizon: number;
}

export const fitEnsemble = (series: CleanSeries, horizon: number): EnsembleFit => {
  const { frame, members } = fitMembers(series, horizon);
  const { z, known, daySteps } = series;
  const origins = z.length - frame.firstOrigin;
  const truth = new Float64Array(origins * horizon).fill(NaN);
  for (let origin = 0; origin < origins; origin++)
    for (let ahead = 0; ahead < horizon; ahead++) {
      const step = frame.firstOrigin + origin + ahead;
      if (step < z.length && known[step]) truth[origin * horizon + ahead] = z[step]!;
    }
  const past = members.map((m) => m.past);
  const weights = memberWeights({ members: past, truth, horizon, daySteps });
  const scratch = new WeightedValues(members.length);
  const errors = truth.map(
    (actual, cell) => actual - combined(past, weights, cell, cell % horizon, horizon, scratch),
  );
  const pastErrors = { errors, horizon, daySteps, firstOrigin: series.firstStep + frame.firstOrigin };
  const sizes = errorSizes(pastErrors);
  return { scale: series.scale, members, weights, sizes, quantiles: errorQuantiles(pastErrors, sizes), horizon };
};

export const forecastEnsemble = (fit: EnsembleFit, series: CleanSeries): DemandCurve => {
  const { members, weights, horizon, sizes, quantiles, scale } = fit;
  const now = members.map((m) => m.forecast(series));
  const scratch = new WeightedValues(members.length);
  const curve: DemandCurve = { p10: [], p50: [], p90: [] };
  const end = series.firstStep + series.z.length;
  for (let ahead = 0; ahead < horizon; ahead++) {
    const center = combined(now, weights, ahead, ahead, horizon, scratch);
    const size = sizeOf(sizes, end + ahead, ahead);
    const [p10, p50, p90] = quantiles.map((q) => toDemand(center + q[ahead]! * size, scale)) as [number, number, number];
    curve.p10.push(Math.min(p10, p50));
    curve.p50.push(p50);
    curve.p90.push(Math.max(p50, p90));
  }
  return curve;
};
