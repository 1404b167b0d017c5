import { resolve } from 'node:path';
import { z } from 'zod';
import { idSchema } from '../domain';

const port = z.coerce.number().int().min(1).max(65_535);
const url = z.url({ protocol: /^https?$/ }).transform((u) => u.replace(/\/+$/, ''));
const withDefault = (value: string) => url.default(value);

/** Every variable that a part of the swarm reads. Each has a default that works on one machine. */
export const environmentSchema = z.object({
  /** Name of this region's swarm; part of workflow ids, task queue and metric tags. */
  SWARM_CELL: idSchema.default('local'),
  /** Local state: databases, segments, ownership records, keys. */
  SWARM_STATE_DIR: z.string().min(1).default('.swarm'),
  /** Address that every part listens on. */
  SWARM_HOST: z.string().min(1).default('127.0.0.1'),
  SWARM_API_PORT: port.default(7700),
  SWARM_RELAY_PORT: port.default(7701),
  SWARM_ORIGIN_PORT: port.default(7702),
  SWARM_SOURCE_PORT: port.default(7703),
  SWARM_FLEET_PORT: port.default(7704),
  SWARM_COLLECTOR_PORT: port.default(7705),
  SWARM_WORKER_PORT: port.default(7706),
  /** First gRPC port of the encoder hosts that the local provider starts; counted up from here. */
  SWARM_ENCODER_PORT_BASE: port.default(7710),
  SWARM_API_URL: withDefault('http://127.0.0.1:7700'),
  SWARM_RELAY_URL: withDefault('http://127.0.0.1:7701'),
  SWARM_ORIGIN_URL: withDefault('http://127.0.0.1:7702'),
  SWARM_SOURCE_URL: withDefault('http://127.0.0.1:7703'),
  /** Origin as browsers and players reach it; empty: SWARM_ORIGIN_URL. */
  SWARM_PUBLIC_ORIGIN_URL: url.optional(),
  /** Fleet agent of the local provider. Unused where SWARM_ENCODERS is set. */
  SWARM_FLEET_URL: withDefault('http://127.0.0.1:7704'),
  /** Static fleet: "id=host:port,id=host:port". */
  SWARM_ENCODERS: z.string().optional(),
  /** Makes the provider behave like a cloud: "boot=20-60,fail=0.2,seed=1" (seconds, share of requests that fail). */
  SWARM_FLEET_SIMULATED: z.string().optional(),
  TEMPORAL_ADDRESS: z.string().min(3).default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_UI_URL: withDefault('http://127.0.0.1:8233'),
  INFLUX_URL: withDefault('http://127.0.0.1:8086'),
  INFLUX_DATABASE: z
    .string()
    .regex(/^[A-Za-z0-9_]+$/)
    .default('encoder_swarm'),
  FFMPEG: z.string().min(1).default('ffmpeg'),
  FFPROBE: z.string().min(1).default('ffprobe'),
  /** CSV (timestamp,value) whose shape the generated audience follows; empty: the one that ships with the project. */
  SWARM_AUDIENCE_TRACE: z.string().optional(),
  /**
   * Where the generated audience stands in its trace: `keep` goes on where it was, over restarts; `restart` begins
   * anew and replaces its history; `off` generates none, for a swarm whose audience is measured.
   */
  SWARM_AUDIENCE_ANCHOR: z.enum(['keep', 'restart', 'off']).default('keep'),
  /** Seconds of wall time per step of the audience and of the forecasts; 24 steps are a day. */
  SWARM_STEP_SECONDS: z.coerce.number().min(1).max(3600).default(5),
  /** Ring of the relay, in memory and on disk, for each channel: it ends at the first of the two. */
  SWARM_RING_SECONDS: z.coerce.number().min(10).max(3_600).default(60),
  SWARM_RING_MIB: z.coerce.number().min(1).max(16_384).default(64),
  /** What the origin keeps of each channel, likewise. */
  SWARM_RETENTION_SECONDS: z.coerce.number().min(60).max(86_400).default(900),
  SWARM_RETENTION_MIB: z.coerce.number().min(16).max(1_048_576).default(1_024),
  /** Seconds between retrainings of the net; empty: a day of 24 steps, but no less than ten minutes. */
  SWARM_RETRAIN_SECONDS: z.coerce.number().min(60).max(2_592_000).optional(),
  SWARM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
});
export type Environment = z.infer<typeof environmentSchema>;

/**
 * Reads and validates the environment.
 * @throws Error that names each variable at fault and what it should be.
 */
export const readEnvironment = (env: NodeJS.ProcessEnv = process.env): Environment => {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
    throw new Error(`Bad environment: ${faults}. Hint: correct or unset the variable.`);
  }
  return { ...parsed.data, SWARM_STATE_DIR: resolve(parsed.data.SWARM_STATE_DIR) };
};

const STEPS_PER_DAY = 24;
const MIN_DEFAULT_RETRAIN_SECONDS = 600;

/** Seconds between retrainings of a cell's net. */
export const retrainSecondsOf = ({ SWARM_RETRAIN_SECONDS, SWARM_STEP_SECONDS }: Environment): number =>
  SWARM_RETRAIN_SECONDS ?? Math.max(MIN_DEFAULT_RETRAIN_SECONDS, STEPS_PER_DAY * SWARM_STEP_SECONDS);

/** Base URL of the origin as browsers and players reach it. */
export const publicOriginUrl = (environment: Environment): string =>
  environment.SWARM_PUBLIC_ORIGIN_URL ?? environment.SWARM_ORIGIN_URL;

/** Task queue of a cell's worker. */
export const taskQueueOf = (cell: string): string => `encoder-swarm-${cell}`;
