import { readEnvironment } from '../../config/config';
import { runPart } from '../../service/lifecycle';
import { createLogger } from '../../service/logger';
import { relayOptionsFrom, startRelay } from './server';

const log = createLogger('relay');
runPart(log, () => startRelay({ ...relayOptionsFrom(readEnvironment()), log }));
