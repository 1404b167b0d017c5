import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { hasKnownFormat } from '../platform/state-format';
import { startApi } from './server';
import { createPorts } from './upstream';

const log = createLogger('api');
runPart(log, async () => {
  const environment = readEnvironment();
  await hasKnownFormat(environment.SWARM_STATE_DIR);
  return startApi(environment, { ports: createPorts(environment), log });
});
