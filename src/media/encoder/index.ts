export { EncoderClient, encoderClientFor, type CallOptions } from './client';
export type { PrepareSession } from './types';
