import type { DemandCurve } from '../domain';
import { fitAnomalyRegression } from './anomaly-regression';
import { errorQuantiles, errorSizes, sizeOf, type ErrorSizes } from './calibration';
import { toDemand, type CleanSeries } from './clean-series';
import { combined, memberWeights, recencyOf } from './combine';
import { similarDayProfile, weekProfile, type DayProfile } from './day-profile';
import { fitDoubleSeasonal } from './double-seasonal';
import type { FitFrame, PointMember } from './point-member';
import { WeightedValues } from './quantiles';

const DAYS_PER_WEEK = 7;
export const MIN_DAYS = 3;

/** Steps in an hour of a day of the series, where it has any; else 1. */
const hourSteps = (daySteps: number): number => (daySteps % 24 === 0 ? daySteps / 24 : 1);

export const fitMembers = (
  series: CleanSeries,
  horizon: number,
): { frame: FitFrame; members: PointMember[] } => {
  const { daySteps } = series;
  const end = series.z.length;
  const weekly = end >= 2 * DAYS_PER_WEEK * daySteps;
  const firstOrigin = Math.min(DAYS_PER_WEEK * daySteps, Math.max(daySteps, Math.floor(end / ((globalThis as any).P?.fo ?? 4))));
  const hour = hourSteps(daySteps);
  const origins: number[] = [];
  const stride = hour * Math.max(1, Math.ceil((((end - firstOrigin) / hour) * horizon) / MAX_CELLS));
  for (let origin = end - stride; origin >= firstOrigin; origin -= stride) origins.unshift(origin);
  const frame: FitFrame = { series, horizon, origins };
  const similar = similarDayProfile(series);
  const week = weekProfile(series);
  const regression = (
    name: string,
    profile: DayProfile,
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
  const both = (name: string, profile: DayProfile): PointMember[] => [
    regression(name, profile, 'profile', 1),
    regression(`${name}-last`, profile, 'last', 1),
    ...(hour > 1 ? [regression(`${name}-hour`, profile, 'last', hour)] : []),
  ];
  const members = [...both('day', similar), fitDoubleSeasonal(frame), ...(weekly ? both('week', week) : [])];
  const PP = (globalThis as any).P ?? {};
  return { frame, members: PP.members ? members.filter((m) => PP.members.includes(m.name)) : members };
};
const MAX_CELLS = 30_000;

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
  const { origins } = frame;
  const truth = new Float64Array(origins.length * horizon).fill(NaN);
  origins.forEach((origin, i) => {
    for (let ahead = 0; ahead < horizon && origin + ahead < z.length; ahead++)
      if (known[origin + ahead]) truth[i * horizon + ahead] = z[origin + ahead]!;
  });
  const recency = recencyOf(origins, z.length, daySteps);
  const past = members.map((m) => m.past);
  const weights = memberWeights({ members: past, truth, horizon, recency });
  const scratch = new WeightedValues(members.length);
  const errors = truth.map(
    (actual, cell) => actual - combined(past, weights, cell, cell % horizon, horizon, scratch),
  );
  const pastErrors = {
    errors,
    horizon,
    daySteps,
    recency,
    origins: origins.map((origin) => series.firstStep + origin),
  };
  const sizes = errorSizes(pastErrors);
  return {
    scale: series.scale,
    members,
    weights,
    sizes,
    quantiles: errorQuantiles(pastErrors, sizes),
    horizon,
  };
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
    const [p10, p50, p90] = quantiles.map((q) => toDemand(center + q[ahead]! * size, scale)) as [
      number,
      number,
      number,
    ];
    curve.p10.push(Math.min(p10, p50));
    curve.p50.push(p50);
    curve.p90.push(Math.max(p50, p90));
  }
  return curve;
};
