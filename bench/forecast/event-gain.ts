import type { SeriesForecaster, SeriesToForecast } from '../../src/forecast';
import type { EventAudience } from './event-audience';

export interface EventGain {
  /** Mean absolute error of P50 over the in-sample error of the day-seasonal naive, geometric mean over channels. */
  maseWith: number;
  maseWithout: number;
  /** maseWith / maseWithout. */
  ratio: number;
  /** Share of steps whose truth lay within P10 and P90, events known. */
  cover80: number;
  forecasts: number;
}

const HORIZON = 24;
const DAY = 24;
const TRAIN_DAYS = 28;
const ORIGINS = 7;

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Forecasts the last week of each audience day by day, with and without its events. */
export const measureEventGain = (
  forecaster: SeriesForecaster,
  audiences: readonly EventAudience[],
): EventGain => {
  const logs = { with: [] as number[], without: [] as number[] };
  let [inside, steps] = [0, 0];
  for (const { id, stepSeconds, startMs, viewers, levels } of audiences) {
    const mase = { with: [] as number[], without: [] as number[] };
    for (let k = 0; k < ORIGINS; k++) {
      const end = viewers.length - HORIZON - k * DAY;
      const begin = Math.max(0, end - TRAIN_DAYS * DAY);
      const history = viewers.slice(begin, end);
      const truth = viewers.slice(end, end + HORIZON);
      const series: SeriesToForecast = {
        id,
        stepSeconds,
        startMs: startMs + begin * stepSeconds * 1_000,
        history,
        horizonSteps: HORIZON,
      };
      const [known, blind] = forecaster
        .forecast([{ ...series, eventLevels: levels.slice(begin, end + HORIZON) }, series])
        .map((f) => f.curve) as [SeriesCurve, SeriesCurve];
      const naive = mean(history.slice(DAY).map((v, i) => Math.abs(v - history[i]!)));
      const error = ({ p50 }: SeriesCurve): number => mean(truth.map((v, h) => Math.abs(v - p50[h]!)));
      mase.with.push(error(known) / naive);
      mase.without.push(error(blind) / naive);
      truth.forEach((v, h) => {
        steps++;
        if (v >= known.p10[h]! && v <= known.p90[h]!) inside++;
      });
    }
    logs.with.push(Math.log(mean(mase.with)));
    logs.without.push(Math.log(mean(mase.without)));
  }
  const [maseWith, maseWithout] = [Math.exp(mean(logs.with)), Math.exp(mean(logs.without))];
  return {
    maseWith,
    maseWithout,
    ratio: maseWith / maseWithout,
    cover80: inside / steps,
    forecasts: audiences.length * ORIGINS,
  };
};

type SeriesCurve = ReturnType<SeriesForecaster['forecast']>[number]['curve'];
