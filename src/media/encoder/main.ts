import { z } from 'zod';
import { readEnvironment } from '../../config/config';
import { idSchema } from '../../domain';
import { runPart } from '../../platform/lifecycle';
import { createLogger } from '../../platform/logger';
import { startEncoder } from './host';

const url = z.url({ protocol: /^https?$/ }).transform((u) => u.replace(/\/+$/, ''));

/** What tells one encoder host from another; the fleet provider sets it. */
const hostEnvironmentSchema = z.object({
  ENCODER_ID: idSchema.default('enc-1'),
  ENCODER_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  ENCODER_REGION: idSchema.default('eu'),
  ENCODER_ZONE: idSchema.default('a'),
  ENCODER_CAPACITY_UNITS: z.coerce.number().gt(0).default(6),
  ENCODER_MAX_SESSIONS: z.coerce.number().int().min(1).default(8),
  /** Where this host reaches relay and origin, if not where a session's order says: behind a gateway of its own. */
  ENCODER_RELAY_URL: url.optional(),
  ENCODER_ORIGIN_URL: url.optional(),
});

const log = createLogger('encoder');

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
  return startEncoder({
    id: own.ENCODER_ID,
    region: own.ENCODER_REGION,
    zone: own.ENCODER_ZONE,
    capacityUnits: own.ENCODER_CAPACITY_UNITS,
    maxSessions: own.ENCODER_MAX_SESSIONS,
    host: environment.SWARM_HOST,
    port: own.ENCODER_PORT ?? environment.SWARM_ENCODER_PORT_BASE,
    ffmpegPath: environment.FFMPEG,
    gateways: { relayUrl: own.ENCODER_RELAY_URL, originUrl: own.ENCODER_ORIGIN_URL },
    log: log.child({ encoder: own.ENCODER_ID }),
  });
});
