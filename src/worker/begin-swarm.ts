import { readEnvironment } from '../config/config';
import { defaultChannels, SwarmError } from '../domain';
import { createLogger } from '../platform/logger';
import { retried } from '../platform/retry';
import { connectTemporal, ensureSwarm } from '../temporal/client';

const log = createLogger('begin-swarm');
const RETRY_MS = 3_000;
const PATIENCE_MS = 300_000;
/** Worth asking again: the other containers may still be starting. */
const TRANSIENT = ['unavailable', 'timeout'];

/**
 * What `npm start` does once all parts run, for those who start the parts themselves (docker-compose.yml): has the
 * swarm workflow, the forecasting Schedule and the default channels begin, and ends. A swarm that runs is kept.
 */
const main = async (): Promise<void> => {
  const environment = readEnvironment();
  const begin = async (): Promise<void> => {
    const temporal = await connectTemporal(environment);
    await ensureSwarm(temporal.client, environment, { channels: defaultChannels() }).finally(() =>
      temporal.close(),
    );
  };
  await retried(begin, {
    firstMs: RETRY_MS,
    longestMs: RETRY_MS,
    patienceMs: PATIENCE_MS,
    isTransient: (error) => error instanceof SwarmError && TRANSIENT.includes(error.code),
    onRetry: (error) => log.warn({ err: error }, 'asking again'),
  });
  log.info({ cell: environment.SWARM_CELL }, 'the swarm has begun');
};

main().catch((error: unknown) => {
  log.fatal({ err: error }, (error as Error).message);
  process.exitCode = 1;
});
