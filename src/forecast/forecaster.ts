import { withEventLift } from './event-lift';
import { forecastSeries } from './series-forecast';
import type { SeriesForecast, SeriesForecaster, SeriesToForecast } from './series';

const DAY_SECONDS = 86_400;

const daySteps = ({ daySteps: given, stepSeconds }: SeriesToForecast): number =>
  given ?? Math.max(1, Math.round(DAY_SECONDS / stepSeconds));

const seasonalForecaster: SeriesForecaster = {
  forecast: (series) =>
    series.map((s): SeriesForecast =>
      forecastSeries(s.history, {
        stepSeconds: s.stepSeconds,
        horizonSteps: s.horizonSteps,
        seasonSteps: daySteps(s),
      }),
    ),
};

/** The forecaster of the swarm: what the live system, the simulator and the bench all use. */
export const createSeriesForecaster = (): SeriesForecaster => withEventLift(seasonalForecaster);
