import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { readEnvironment } from '../../config/config';
import { hostEnvironmentSchema } from '../../config/encoder-host';
import { requireSecureUrls } from '../../config/links';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { takeOwnIdentity } from '../../platform/own-identity';
import { toolsCacheDir } from '../../setup';
import { startEncoder } from './host';

const log = createLogger('encoder');

// A session wakes some 50 times a second, too seldom for V8 to compile its paths by itself within minutes. Sooner, they
// take a third less of a core (docs/results/capacity.md).
setFlagsFromString('--interrupt-budget=10000');

runPart(log, async () => {
  const environment = readEnvironment();
  const parsed = hostEnvironmentSchema.safeParse(
    Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')),
  );
  if (!parsed.success) {
    const faults = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
    throw new Error(`Bad environment: ${faults}. Hint: correct or unset the variable.`);
  }
  const own = parsed.data;
  const { ENCODER_RELAY_URL, ENCODER_ORIGIN_URL } = own;
  requireSecureUrls(environment, { ENCODER_RELAY_URL, ENCODER_ORIGIN_URL });
  await takeOwnIdentity(environment, log);
  return startEncoder({
    id: own.ENCODER_ID,
    region: own.ENCODER_REGION,
    zone: own.ENCODER_ZONE,
    capacityUnits: own.ENCODER_CAPACITY_UNITS ?? {
      cores: own.ENCODER_CORES,
      measurementsFolder: join(toolsCacheDir(process.env), 'measurements'),
    },
    maxSessions: own.ENCODER_MAX_SESSIONS,
    hardware: own.ENCODER_HARDWARE,
    lowLatency: environment.SWARM_PARTIAL_SEGMENT_MS > 0,
    host: environment.SWARM_HOST,
    port: own.ENCODER_PORT ?? environment.SWARM_ENCODER_PORT_BASE,
    ffmpegPath: environment.FFMPEG,
    gateways: {
      relayUrl: ENCODER_RELAY_URL,
      originUrl: ENCODER_ORIGIN_URL,
      relayUrls: environment.SWARM_RELAY_PEERS.map(({ url }) => url),
      originUrls: environment.SWARM_ORIGIN_PEERS.map(({ url }) => url),
      clipHosts: own.ENCODER_CLIP_HOSTS,
    },
    sessionsFile: own.ENCODER_SESSIONS_FILE,
    log: log.child({ encoder: own.ENCODER_ID }),
  });
});
