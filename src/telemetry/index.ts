export { startCollector, type CollectorOptions, type RunningCollector } from './start';
export { createTelemetryStore } from './create-store';
export type { BufferStatus, Point, TelemetryStore } from './store';
export { PLANNING_RECORDS_KEPT_MS, type PlanningRecords, type SerialisedRecord } from './planning-records';
