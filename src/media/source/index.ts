export { sourceOptionsFrom, startSource, type Source, type SourceOptions } from './server';
