import { readEnvironment } from '../../config/config';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { relayOptionsFrom, startRelay } from './server';

const log = createLogger('relay');
runPart(log, () => startRelay({ ...relayOptionsFrom(readEnvironment()), log }));
