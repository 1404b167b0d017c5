import { readEnvironment } from '../../config/config';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { takeOwnIdentity } from '../../platform/own-identity';
import { sourceOptionsFrom, startSource } from './server';

const log = createLogger('source');
runPart(log, async () => {
  const environment = readEnvironment();
  await takeOwnIdentity(environment, log);
  return startSource({ ...sourceOptionsFrom(environment), log });
});
