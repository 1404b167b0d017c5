import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { installRuntime, startWorker } from './worker';

const log = createLogger('worker');
installRuntime(log);
runPart(log, () => startWorker(readEnvironment(), log));
