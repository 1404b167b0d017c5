import { isTimeZone, type DemandCurve } from '../domain';
import type { SeriesToForecast } from './series';
import { offsetsMsOf } from './zone-offset';

/** A series by the clock of its audience, and the way back. */
export interface LocalSeries {
  series: SeriesToForecast;
  /** Of a curve over the series' horizon: the one over the horizon of the given series. */
  back: (curve: DemandCurve) => DemandCurve;
}

const DAY_SECONDS = 86_400;

/**
 * Audiences live by local time: their evening begins at the same hour before and after the clocks change. So a series
 * with a time zone is forecast by that clock. An hour that clocks skip is a hole there; of one that they repeat, the mean
 * counts. Without a change of clocks in history and horizon nothing but the start moves. A series whose day is no day of
 * 24 hours, as in the demonstration, is left as it is.
 */
export const inLocalTime = (given: SeriesToForecast): LocalSeries => {
  const { timeZone, stepSeconds, daySteps = DAY_SECONDS / stepSeconds, startMs } = given;
  const isRealDay = Math.abs(daySteps * stepSeconds - DAY_SECONDS) < 1;
  if (timeZone === undefined || !isTimeZone(timeZone) || !isRealDay || !Number.isFinite(startMs))
    return { series: given, back: (curve) => curve };

  const { history, horizonSteps, eventLevels } = given;
  const stepMs = stepSeconds * 1_000;
  const steps = history.length + horizonSteps;
  const offsets = offsetsMsOf(timeZone, { startMs, stepMs, steps });
  const first = offsets[0] ?? 0;
  const place = Array.from(offsets, (offset, step) => step + Math.round((offset - first) / stepMs));
  const localStart = { ...given, startMs: startMs + first };
  if (place.every((local, step) => local === step)) return { series: localStart, back: (curve) => curve };

  const end = (place[history.length - 1] ?? -1) + 1;
  const last = place.reduce((most, local) => Math.max(most, local), 0);
  const sums = new Float64Array(end);
  const counts = new Float64Array(end);
  history.forEach((value, step) => {
    const local = place[step] ?? 0;
    if (value === null || Number.isNaN(value)) return;
    sums[local] = (sums[local] ?? 0) + value;
    counts[local] = (counts[local] ?? 0) + 1;
  });
  const levels = new Array<number>(Math.max(end, last + 1)).fill(0);
  eventLevels?.forEach((level, step) => {
    const local = place[step] ?? 0;
    levels[local] = Math.max(levels[local] ?? 0, level);
  });
  // Of what lies ahead too: the last step of an hour that is repeated is one of the history already.
  const ahead = place.slice(history.length).map((local) => Math.max(0, local - end));
  const localHorizon = Math.max(1, ...ahead.map((step) => step + 1));
  return {
    series: {
      ...localStart,
      history: Array.from(sums, (sum, local) => {
        const count = counts[local] ?? 0;
        return count > 0 ? sum / count : null;
      }),
      horizonSteps: horizonSteps === 0 ? 0 : localHorizon,
      ...(eventLevels && { eventLevels: levels.slice(0, end + localHorizon) }),
    },
    back: ({ p10, p50, p90 }) => {
      const pick = (values: readonly number[]): number[] => ahead.map((step) => values[step] ?? 0);
      return { p10: pick(p10), p50: pick(p50), p90: pick(p90) };
    },
  };
};
