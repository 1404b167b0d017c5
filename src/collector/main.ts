import { readEnvironment } from '../config/config';
import { runPart } from '../platform/lifecycle';
import { createLogger } from '../platform/logger';
import { startCollector } from './start';

const log = createLogger('collector');
runPart(log, () => startCollector({ environment: readEnvironment(), log }));
