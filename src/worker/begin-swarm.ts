import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvironment } from '../config/config';
import { defaultChannels, SwarmError } from '../domain';
import { createLogger } from '../platform/logger';
import { connectTemporal, ensureSwarm } from '../temporal/client';

const log = createLogger('begin-swarm');
const RETRY_MS = 3_000;
const PATIENCE_MS = 300_000;
/** Worth asking again: the other containers may still be starting. */
const PASSING = ['unavailable', 'timeout'];

/**
 * What `npm start` does once all parts run, for those who start the parts themselves (docker-compose.yml): has the
 * swarm workflow, the forecasting Schedule and the default channels begin, and ends. A swarm that runs is kept.
 */
const main = async (): Promise<void> => {
  const environment = readEnvironment();
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const temporal = await connectTemporal(environment);
      await ensureSwarm(temporal.client, environment, { channels: defaultChannels() }).finally(() =>
        temporal.close(),
      );
      log.info({ cell: environment.SWARM_CELL }, 'the swarm has begun');
      return;
    } catch (error) {
      const passing = error instanceof SwarmError && PASSING.includes(error.code);
      if (!passing || Date.now() > deadlineMs) throw error;
      log.warn({ err: error }, 'asking again');
      await sleep(RETRY_MS);
    }
  }
};

main().catch((error: unknown) => {
  log.fatal({ err: error }, (error as Error).message);
  process.exitCode = 1;
});
