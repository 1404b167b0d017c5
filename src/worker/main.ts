import { readEnvironment } from '../config/config';
import { createLogger } from '../platform/logger';
import { runPart } from '../platform/lifecycle';
import { installRuntime, startWorker } from './worker';

const log = createLogger('worker');
installRuntime(log);
runPart(log, () => startWorker(readEnvironment(), log));
