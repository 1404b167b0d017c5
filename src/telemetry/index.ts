export { createTelemetryStore } from './create-store';
export type { BufferStatus, Point, TelemetryStore } from './store';
export { type AudienceRow, type ForecastInputs, type StepSeries } from './forecast-inputs';
export { GENERATED } from './influx-inputs';
export { type ForecastFeedback } from './forecast-feedback';
export { PLANNING_RECORDS_KEPT_MS, type PlanningRecords, type SerialisedRecord } from './planning-records';
