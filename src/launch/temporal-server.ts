import { searchAttributeNames } from '../domain';

/**
 * The dev server has one history shard that polls 20 times a second: each task waits for a 50 ms tick, and any
 * timer under a second takes a second. These values make a saga of six activities 6 times quicker (docs/results/before.md).
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.visibilityProcessorMaxPollRPS=500',
  'history.timerProcessorMaxTimeShift="10ms"',
  'system.enableActivityEagerExecution=true',
  'history.maxInFlightUpdates=1000',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  // Its HTTP API, which can't be turned off, would take commands of any web page; nothing of the swarm uses it.
  'frontend.httpAllowedHosts=["nobody.invalid"]',
];

const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=1'];

/**
 * Arguments of `temporal` for the dev server of a swarm. It must run in the state folder: its database is named without a
 * path, which it would take for a URL, with `%`, `?` and `#` in it.
 */
export const temporalServerArgs = (options: {
  host: string;
  port: number;
  uiPort: number;
  namespace: string;
  /** Where its page has payloads decrypted; absent: none are encrypted. */
  codecUrl?: string;
}): string[] => [
  'server',
  'start-dev',
  ...['--ip', options.host, '--port', String(options.port)],
  ...['--ui-ip', options.host, '--ui-port', String(options.uiPort)],
  ...(options.codecUrl === undefined ? [] : ['--ui-codec-endpoint', options.codecUrl]),
  ...['--namespace', options.namespace],
  ...['--db-filename', 'temporal.db'],
  ...['--log-level', 'error'],
  ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
  ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
  ...Object.values(searchAttributeNames).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
];

/** gRPC service whose health tells that the server takes calls. */
export const TEMPORAL_HEALTH_SERVICE = 'temporal.api.workflowservice.v1.WorkflowService';
