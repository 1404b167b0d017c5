export {
  createLearningForecaster,
  createSeriesForecaster,
  ENSEMBLE_MODEL,
  type ForecasterOptions,
} from './forecaster';
export { forecastCell, seriesKey, seriesOfCell, type CellForecastInput } from './cell-forecast';
export { encoderCurves, type ChannelPlacement } from './encoder-curves';
export { errorCorrelation } from './error-correlation';
export { eventLevels, meanEventLevels, type EventAudience, type StepGrid } from './event-levels';
export { learnFromStep, NO_FEEDBACK, scoredLeads, scoreStep, withFeedback } from './lead-feedback';
export { learnSessionCost, NOMINAL_COST, unitsForViewers, type SessionCost } from './session-cost';
export { sumCurves } from './sum-curves';
export { forecastSeries, HOLD_MODEL, SEASONAL_MODEL, type ForecastShape } from './series-forecast';
export { issuedSteps, oldestUnscoredMs, scoreIssued } from './scoring';
export { HISTORY_DAYS, HORIZON_STEPS, SEASON_STEPS } from './shape';
export { momentsOfLocal } from './zone-offset';
export { firstTargetMs, msUntilStep, stepAt } from './upcoming';
export type {
  EnsembleMember,
  LearningForecaster,
  SeriesForecast,
  SeriesForecaster,
  SeriesToForecast,
} from './series';
