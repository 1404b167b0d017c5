export type { EncodedGop, EncodedSegment } from './types';
