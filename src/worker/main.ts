import { readEnvironment } from '../config/config';
import { createLogger } from '../service/logger';
import { runPart } from '../service/lifecycle';
import { installRuntime, startWorker } from './worker';

const log = createLogger('worker');
installRuntime(log);
runPart(log, () => startWorker(readEnvironment(), log));
