import { fitAnomalyRegression } from './anomaly-regression';
import type { CleanSeries } from './clean-series';
import { similarDayProfile, weekProfile, type DayProfile } from './day-profile';
import { fitDoubleSeasonal } from './double-seasonal';
import type { FitFrame, PointMember } from './point-member';

const DAYS_PER_WEEK = 7;
/** Weeks of history from which members that look a week back have something to learn from. */
const MIN_WEEKS = 2;
/** Held-back origins times horizon above which origins are thinned out. */
const MAX_CELLS = 15_000;
/** The first part of the history only warms up the profiles. */
const WARM_UP_SHARE = 0.25;

/**
 * Steps in an hour of a day of the series, where an hour has several; else 1. Demand of fine steps has habits within
 * the hour (programmes begin at :00 and :30, gaps are filled from hourly values), so held-back forecasts are made
 * from the same minute of the hour as the forecast to come.
 */
export const hourSteps = (daySteps: number): number => (daySteps % 24 === 0 ? daySteps / 24 : 1);

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The smallest stride from `least` on that comes past every time of day. */
const strideOverDay = (least: number, partsOfDay: number): number => {
  let stride = least;
  while (gcd(stride, partsOfDay) > 1) stride++;
  return stride;
};

const frameOf = (series: CleanSeries, horizon: number): FitFrame & { firstOrigin: number } => {
  const { daySteps } = series;
  const end = series.z.length;
  const warmUp = Math.max(daySteps, Math.floor(WARM_UP_SHARE * end));
  const firstOrigin = Math.min(DAYS_PER_WEEK * daySteps, warmUp);
  const hour = hourSteps(daySteps);
  const count = (end - firstOrigin) / hour;
  const thinning = Math.max(1, Math.ceil((count * horizon) / MAX_CELLS));
  const stride = hour * strideOverDay(thinning, daySteps / hour);
  const origins: number[] = [];
  for (let origin = end - stride; origin >= firstOrigin; origin -= stride) origins.push(origin);
  return { series, horizon, origins: origins.reverse(), firstOrigin };
};

/**
 * Fits the statistical members: regressions around the profile of similar days and, from two weeks on, around that
 * of the same weekday, each anchored at the profile and at the last value, and for fine steps once more from the
 * same minute of the hour only; and double seasonal smoothing.
 */
export const fitMembers = (
  series: CleanSeries,
  horizon: number,
): { frame: FitFrame; members: PointMember[] } => {
  const frame = frameOf(series, horizon);
  const hour = hourSteps(series.daySteps);
  const around = (name: string, profile: DayProfile, firstStep: number): PointMember[] => {
    const fit = (suffix: string, anchor: 'profile' | 'last', originPeriod: number): PointMember =>
      fitAnomalyRegression(frame, { name: `${name}${suffix}`, profile, firstStep, anchor, originPeriod });
    return [
      fit('', 'profile', 1),
      fit('-last', 'last', 1),
      ...(hour > 1 ? [fit('-last-hour', 'last', hour)] : []),
    ];
  };
  const week = DAYS_PER_WEEK * series.daySteps;
  return {
    frame,
    members: [
      ...around('day', similarDayProfile(series), frame.firstOrigin),
      fitDoubleSeasonal(frame),
      ...(series.z.length >= MIN_WEEKS * week ? around('week', weekProfile(series), week) : []),
    ],
  };
};
