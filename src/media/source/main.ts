import { readEnvironment } from '../../config/config';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { sourceOptionsFrom, startSource } from './server';

const log = createLogger('source');
runPart(log, () => startSource({ ...sourceOptionsFrom(readEnvironment()), log }));
