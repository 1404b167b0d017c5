/** All that crosses the HTTP API, once. The client, which needs Node, is in client.ts. */
export * from './common';
export * from './forecasts';
export * from './models';
export * from './moves';
export * from './operation';
export * from './operations';
export * from './play-urls';
export * from './rollouts';
export * from './session';
export * from './status';
export * from './versions';
export type * from './by-path';
