import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { takeOwnIdentity } from '../platform/own-identity';
import { hasKnownFormat } from '../platform/state-format';
import { installRuntime, startWorker } from './worker';

const log = createLogger('worker');
installRuntime(log);
runPart(log, async () => {
  const environment = readEnvironment();
  await takeOwnIdentity(environment, log);
  await hasKnownFormat(environment.SWARM_STATE_DIR);
  return startWorker(environment, log);
});
