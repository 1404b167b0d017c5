import type { Environment } from '../config/config';
import { InfluxTelemetryStore } from './influx-store';
import type { TelemetryStore } from './store';

/** InfluxDB 1.x behind INFLUX_URL; the database is created where it is absent. Connects on first use. */
export const createTelemetryStore = (environment: Environment): TelemetryStore =>
  new InfluxTelemetryStore({
    url: environment.INFLUX_URL,
    database: environment.INFLUX_DATABASE,
    stepSeconds: environment.SWARM_STEP_SECONDS,
  });
