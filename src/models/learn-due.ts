import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import {
  seriesOfCell,
  type CellForecastInput,
  type LearningForecaster,
  type SeriesToForecast,
} from '../forecast';

/**
 * Learns the series that are due, one after another, and lets the event loop turn after each.
 *
 * @param options.until tells, before each, whether to stop; the rest is returned
 * @param options.restShare rests after each for so many times as long as it took; default: not at all
 * @returns the series that are still due
 */
export const learnDue = async (
  forecaster: LearningForecaster,
  series: readonly SeriesToForecast[],
  { until, restShare = 0 }: { until: () => boolean; restShare?: number },
): Promise<SeriesToForecast[]> => {
  const due = series.filter((each) => forecaster.isDue(each));
  let next = 0;
  for (; next < due.length && !until(); next += 1) {
    const startedAt = performance.now();
    forecaster.learn(due[next]!);
    const restMs = restShare * (performance.now() - startedAt);
    await (restMs >= 1 ? pause(restMs) : nextTurn());
  }
  return due.slice(next);
};

/** What a forecast takes for learning before it is issued; the series left over are learned after it. */
const LEARN_FIRST_MS = 2_000;

/** In the background learning takes a quarter of the thread: cycles and moves of thousands of channels go on beside it. */
const REST_SHARE = 3;

/**
 * Learns what is due for a forecast: as much as there is time for before it, the rest in the background, with the
 * event loop turning in between. So the first forecast of a thousand channels is not late; those whose turn has not
 * come have the seasonal rule, or what was learned of them before.
 */
export class BackgroundLearner {
  private learning: Promise<unknown> | null = null;

  async learnFor(forecaster: LearningForecaster, input: CellForecastInput): Promise<void> {
    if (this.learning) return;
    const stopAtMs = performance.now() + LEARN_FIRST_MS;
    const left = await learnDue(forecaster, seriesOfCell(input), {
      until: () => performance.now() > stopAtMs,
    });
    if (left.length === 0) return;
    this.learning = learnDue(forecaster, left, { until: () => false, restShare: REST_SHARE })
      // What can't be learned is due again at the next forecast.
      .catch(() => undefined)
      .finally(() => (this.learning = null));
  }
}
