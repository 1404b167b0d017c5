export { createSeriesForecaster, ENSEMBLE_MODEL, type ForecasterOptions } from './forecaster';
export { forecastCell, type CellForecastInput } from './cell-forecast';
export { forecastSeries, HOLD_MODEL, SEASONAL_MODEL, type ForecastShape } from './series-forecast';
export { msUntilStep, stepAt } from './upcoming';
export type { EnsembleMember, SeriesForecast, SeriesForecaster, SeriesToForecast } from './series';
