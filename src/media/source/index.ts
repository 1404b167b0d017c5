export { sourceOptionsFrom, startSource, type Source, type SourceOptions } from './server';
export type { SourceChannel, SourceSpec, SourceState } from './types';
