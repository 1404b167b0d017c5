export { startCollector, type CollectorOptions, type RunningCollector } from './start';
export { createTelemetryStore, type BufferStatus, type Point, type TelemetryStore } from './store';
