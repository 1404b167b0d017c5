export * from './media-time';
export * from './channel';
export * from './errors';
export * from './encoder';
export * from './snapshot';
export * from './plan';
export * from './moves';
export * from './control';
