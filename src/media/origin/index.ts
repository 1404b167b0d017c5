export type { OriginChannel } from './channel';
export type { LedgerEntry } from './records';
export { defaultOriginLimits, startOrigin, type OriginLimits, type OriginOptions } from './start';
