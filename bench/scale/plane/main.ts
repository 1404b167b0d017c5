import { runPart } from '../../../src/platform/lifecycle';
import { createLogger } from '../../../src/platform/logger';
import { planeOptionsSchema, startPlane } from './server';

const log = createLogger('simulated-plane');

runPart(log, () => startPlane(planeOptionsSchema.parse(JSON.parse(process.env.SCALE_PLANE ?? '{}')), log));
