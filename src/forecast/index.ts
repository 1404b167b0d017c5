export { forecastCell, type CellForecastInput } from './cell-forecast';
export {
  forecastSeries,
  HOLD_MODEL,
  SEASONAL_MODEL,
  type ForecastShape,
  type SeriesForecast,
} from './series-forecast';
export { msUntilStep, stepAt } from './upcoming';
