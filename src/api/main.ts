import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { startApi } from './server';
import { createPorts } from './upstream';

const log = createLogger('api');
runPart(log, async () => {
  const environment = readEnvironment();
  return startApi(environment, { ports: createPorts(environment), log });
});
