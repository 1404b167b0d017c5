import { createLearningForecaster, type EnsembleMember, type SeriesToForecast } from '../../src/forecast';
import { generatedSeries } from '../../src/forecast/net';

const HISTORY_STEPS = 6 * 7 * 24;
const HORIZON_STEPS = 24;
const DAY_STEPS = 24;
/** Steps after the first forecast whose forecasts are timed. */
const LATER_STEPS = 3;

export interface ForecastSpeed {
  series: number;
  /** CPU seconds to learn all of them, once a day. */
  learnCpuSeconds: number;
  /** CPU seconds of a forecast of all of them by what was learned: the mean of the next steps'. */
  forecastCpuSeconds: number;
  /** Series whose turn it is to be learned again in one of those steps, and CPU seconds of that: the mean. */
  relearned: number;
  relearnCpuSeconds: number;
}

const cpuSeconds = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

/** What the live swarm does: learn each series once a day, forecast all of them at each step. Six weeks, hourly. */
export const measureForecastSpeed = (
  members: readonly EnsembleMember[],
  options: { series: number; seed: number },
): ForecastSpeed => {
  const whole = generatedSeries({
    count: options.series,
    steps: HISTORY_STEPS + LATER_STEPS,
    horizonSteps: HORIZON_STEPS,
    seed: options.seed,
  });
  const asOf = (later: number): SeriesToForecast[] =>
    whole.map((one) => ({
      ...one,
      history: one.history.slice(later, later + HISTORY_STEPS),
      startMs: one.startMs + later * one.stepSeconds * 1_000,
    }));
  const forecaster = createLearningForecaster({ members, refitEverySteps: DAY_STEPS });
  const learnDueOf = (series: readonly SeriesToForecast[]): number => {
    const due = series.filter((one) => forecaster.isDue(one));
    for (const one of due) forecaster.learn(one);
    return due.length;
  };
  const first = asOf(0);
  const learnCpuSeconds = cpuSeconds(() => learnDueOf(first));
  const sums = { forecast: 0, relearned: 0, relearn: 0 };
  for (let later = 1; later <= LATER_STEPS; later++) {
    const series = asOf(later);
    sums.relearn += cpuSeconds(() => (sums.relearned += learnDueOf(series)));
    sums.forecast += cpuSeconds(() => forecaster.forecast(series));
  }
  return {
    series: options.series,
    learnCpuSeconds,
    forecastCpuSeconds: sums.forecast / LATER_STEPS,
    relearned: sums.relearned / LATER_STEPS,
    relearnCpuSeconds: sums.relearn / LATER_STEPS,
  };
};
