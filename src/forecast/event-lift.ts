import type { DemandCurve } from '../domain';
import { median } from './quantiles';
import { usualValue } from './seasonal-rule';
import type { SeriesForecast, SeriesForecaster, SeriesToForecast } from './series';

/** Ratios are taken of value plus this part of the mean: at night a small audience is no exact one. */
const FLOOR_FRACTION = 0.05;
/** What a few steps say is believed in part: as if so many more had shown no effect. */
const PRIOR_STEPS = 1;
const MAX_LOG_LIFT = Math.log(8);
const MAD_TO_SIGMA = 1.4826;
const NORMAL_P90 = 1.2816;
const DAY_SECONDS = 86_400;

/** What one level of an event has done to a series so far: logarithm of the ratio to a usual step, and its spread. */
interface EventLift {
  log: number;
  sigma: number;
}

const plausible = (value: number | null): number => (value !== null && value >= 0 ? value : NaN);

const learnLift = (values: Float64Array, levels: readonly number[], daySteps: number): EventLift | null => {
  const quiet = values.map((value, step) => ((levels[step] ?? 0) > 0 ? NaN : value));
  const known = quiet.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return null;
  const floor = (FLOOR_FRACTION * known.reduce((sum, v) => sum + v, 0)) / known.length;
  const lifts: number[] = [];
  values.forEach((value, step) => {
    const level = levels[step] ?? 0;
    if (level <= 0 || Number.isNaN(value)) return;
    const usual = usualValue(quiet, step, daySteps, 1);
    const lift = Math.log((value + floor) / (usual + floor)) / level;
    if (Number.isFinite(lift)) lifts.push(lift);
  });
  if (lifts.length === 0) return null;
  const middle = median(lifts);
  const sigma = MAD_TO_SIGMA * median(lifts.map((lift) => Math.abs(lift - middle)));
  return { log: (middle * lifts.length) / (lifts.length + PRIOR_STEPS), sigma };
};

const ratioAt = ({ log }: EventLift, level: number): number =>
  Math.exp(Math.min(MAX_LOG_LIFT, Math.max(-MAX_LOG_LIFT, log * level)));

/** The curve with events: lifted, and wider by how differently they have drawn so far. */
const lifted = (curve: DemandCurve, lift: EventLift, levels: readonly number[]): DemandCurve => {
  const result: DemandCurve = { p10: [], p50: [], p90: [] };
  curve.p50.forEach((p50, step) => {
    const level = levels[step] ?? 0;
    const ratio = ratioAt(lift, level);
    const middle = p50 * ratio;
    const own = middle * (Math.exp(NORMAL_P90 * lift.sigma * level) - 1);
    const wider = (distance: number): number => Math.sqrt((distance * ratio) ** 2 + own ** 2);
    result.p10.push(Math.max(0, middle - wider(p50 - (curve.p10[step] as number))));
    result.p50.push(middle);
    result.p90.push(middle + wider((curve.p90[step] as number) - p50));
  });
  return result;
};

/**
 * Lets any forecaster know of events: what they did to a series is learned from their past (median of the logarithm
 * of value to usual value, per level), taken out of its history, and put onto the steps ahead that have one. A series
 * without past events is forecast as if it had none: what they are worth to it is not known.
 */
export const withEventLift = (base: SeriesForecaster): SeriesForecaster => ({
  forecast: (series) => {
    const lifts = series.map(({ history, eventLevels = [], daySteps, stepSeconds }) =>
      eventLevels.some((level) => level > 0)
        ? learnLift(
            Float64Array.from(history, plausible),
            eventLevels,
            daySteps ?? Math.max(1, Math.round(DAY_SECONDS / stepSeconds)),
          )
        : null,
    );
    const quiet = series.map((one, i): SeriesToForecast => {
      const lift = lifts[i];
      const { eventLevels: levels, ...rest } = one;
      if (!lift || !levels) return rest;
      const history = one.history.map((value, step) =>
        value === null ? null : value / ratioAt(lift, levels[step] ?? 0),
      );
      return { ...rest, history };
    });
    return base.forecast(quiet).map((forecast, i): SeriesForecast => {
      const lift = lifts[i];
      const { eventLevels = [], history = [] } = series[i] ?? {};
      return lift
        ? { ...forecast, curve: lifted(forecast.curve, lift, eventLevels.slice(history.length)) }
        : forecast;
    });
  },
});
