import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { takeOwnIdentity } from '../platform/own-identity';
import { hasKnownFormat } from '../platform/state-format';
import { ApiGate } from './identity/api-gate';
import { startApi } from './server';
import { createPorts } from './upstream';

const log = createLogger('api');
runPart(log, async () => {
  const environment = readEnvironment();
  await takeOwnIdentity(environment, log);
  await hasKnownFormat(environment.SWARM_STATE_DIR);
  const gate = await ApiGate.open(environment, log);
  return startApi(environment, { ports: createPorts(environment), log, ...(gate && { gate }) });
});
