import { readEnvironment } from '../../config/config';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { takeOwnIdentity } from '../../platform/own-identity';
import { relayOptionsFrom, startRelay } from './server';

const log = createLogger('relay');
runPart(log, async () => {
  const environment = readEnvironment();
  await takeOwnIdentity(environment, log);
  return startRelay({ ...relayOptionsFrom(environment), log });
});
