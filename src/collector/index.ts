export { startCollector, type CollectorOptions, type RunningCollector } from './start';
