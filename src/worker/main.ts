import { readEnvironment } from '../config/config';
import { createLogger } from '../service/logger';
import { runPart } from '../service/lifecycle';
import { startWorker } from './worker';

const log = createLogger('worker');
runPart(log, () => startWorker(readEnvironment(), log));
