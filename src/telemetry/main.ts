import { readEnvironment } from '../config/config';
import { runPart } from '../service/lifecycle';
import { createLogger } from '../service/logger';
import { startCollector } from './start';

const log = createLogger('collector');
runPart(log, () => startCollector({ environment: readEnvironment(), log }));
