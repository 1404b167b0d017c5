import { readEnvironment } from '../../config/config';
import { runPart } from '../../service/lifecycle';
import { createLogger } from '../../service/logger';
import { sourceOptionsFrom, startSource } from './server';

const log = createLogger('source');
runPart(log, () => startSource({ ...sourceOptionsFrom(readEnvironment()), log }));
