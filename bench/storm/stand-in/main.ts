import { runPart } from '../../../src/platform/lifecycle';
import { createLogger } from '../../../src/platform/logger';
import { standInOptionsSchema, startMediaStandIn } from './server';

const log = createLogger('media-stand-in');

runPart(log, () =>
  startMediaStandIn(standInOptionsSchema.parse(JSON.parse(process.env.STORM_STAND_IN ?? '{}')), log),
);
