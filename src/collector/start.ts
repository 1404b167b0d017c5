import express from 'express';
import { ownNamesOf, type Environment } from '../config/config';
import type { MediaHealth } from '../contracts/health';
import type { FleetProvider } from '../fleet/provider';
import { createPartClients } from '../observation/part-clients';
import { PartReadings } from '../observation/part-readings';
import { healthAnswer, listen } from '../platform/http';
import type { Logger } from '../platform/logger';
import { HEALTH_ROUTE } from '../platform/route';
import { createTelemetryStore, type BufferStatus } from '../telemetry';
import { CountedAudience } from './audience/counted';
import { AudienceReplay } from './audience/replay';
import { loadTrace } from './audience/trace';
import { Collector } from './collector';
import { SignalQueue, type SignalSender } from './signal-queue';
import { connectSignals } from './temporal-signals';

/** The Temporal client is loaded once the rush of the start is over. */
const WARM_UP_MS = 8_000;
/** Points that the database refuses come again with each poll, or step: after this there are none any more. */
const REFUSAL_TOLD_MS = 60_000;

export interface CollectorOptions {
  environment: Environment;
  log: Logger;
  /** Absent: SWARM_COLLECTOR_PORT; 0 picks a free one. */
  port?: number;
  /** Replaceable for tests. */
  fleet?: FleetProvider;
  connect?: () => Promise<SignalSender>;
}

export interface RunningCollector {
  port: number;
  stop(): Promise<void>;
}

/** In the form in which parts tell of what they go on without (mediaHealthSchema). */
const healthOf = (refused: BufferStatus['refused'], nowMs: number): Omit<MediaHealth, 'status'> => {
  const isRecent = refused !== null && nowMs - refused.atMs < REFUSAL_TOLD_MS;
  const damaged = isRecent ? [{ ...refused, what: 'measurements that InfluxDB refuses' }] : [];
  return { channels: 0, storage: { state: 'ok', sinceMs: null, message: null, affected: [] }, damaged };
};

/**
 * Starts collector, sentinel and audience replay. InfluxDB may come later; the encoders and the origin too.
 * @throws SwarmError bad-request when the audience trace can't be used; unavailable when the port is taken
 */
export const startCollector = async (options: CollectorOptions): Promise<RunningCollector> => {
  const { environment, log } = options;
  const store = createTelemetryStore(environment);
  const signals = new SignalQueue(options.connect ?? (() => connectSignals(environment)), log);
  const { SWARM_AUDIENCE: source, SWARM_AUDIENCE_ANCHOR: mode } = environment;
  const replay =
    source !== 'replay' || mode === 'off'
      ? null
      : new AudienceReplay({
          cell: environment.SWARM_CELL,
          stateDir: environment.SWARM_STATE_DIR,
          stepSeconds: environment.SWARM_STEP_SECONDS,
          trace: await loadTrace(environment.SWARM_AUDIENCE_TRACE),
          mode,
          store,
          log,
        });
  const clients = createPartClients(environment);
  const counted = source === 'origin' ? new CountedAudience(environment.SWARM_CELL, clients.origin) : null;
  const collector = new Collector({
    cell: environment.SWARM_CELL,
    readings: new PartReadings({ ...clients, ...(options.fleet && { fleet: options.fleet }) }),
    store,
    stepSeconds: environment.SWARM_STEP_SECONDS,
    log,
    audience: replay ?? counted,
    onEvent: (event) => signals.push(event),
  });

  const app = express();
  app.get('/healthz', (req, res) => {
    const points = store.status();
    const health = {
      status: 'ok',
      lastPollAtMs: collector.lastPollAtMs,
      lostEncoders: collector.sentinel.lostEncoders,
      points,
      ...healthOf(points.refused, Date.now()),
      signals: signals.status,
      audience: replay?.scenario ?? null,
    };
    res.json(healthAnswer(req, health));
  });
  const server = await listen(app, {
    host: environment.SWARM_HOST,
    port: options.port ?? environment.SWARM_COLLECTOR_PORT,
    routes: [HEALTH_ROUTE],
    names: ownNamesOf(environment),
    log,
  });
  collector.start();
  const warmUp = setTimeout(() => void signals.warmUp(), WARM_UP_MS);
  log.info({ port: server.port }, 'collector runs');

  return {
    port: server.port,
    stop: async () => {
      clearTimeout(warmUp);
      await collector.stop();
      await Promise.all([signals.close(), store.close(), server.close()]);
    },
  };
};
