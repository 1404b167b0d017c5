import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LearningForecaster, SeriesToForecast } from '../../src/forecast';

/**
 * Learns the series that are due, one after another, and lets the event loop turn after each.
 *
 * @param options.until tells, before each, whether to stop; the rest is returned
 * @returns the series that are still due
 */
export const learnDue = async (
  forecaster: LearningForecaster,
  series: readonly SeriesToForecast[],
  options: { until: () => boolean },
): Promise<SeriesToForecast[]> => {
  const due = series.filter((one) => forecaster.isDue(one));
  while (due.length > 0 && !options.until()) {
    forecaster.learn(due.shift()!);
    await nextTurn();
  }
  return due;
};
