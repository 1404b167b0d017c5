import type { Environment } from '../config/config';
import { influxLoginOf } from './influx-login';
import { InfluxTelemetryStore } from './influx-store';
import { influxTlsOf } from './influx-tls';
import type { TelemetryStore } from './store';

/** InfluxDB 1.x behind INFLUX_URL; the database is created where it is absent. Connects on first use. */
export const createTelemetryStore = (environment: Environment): TelemetryStore => {
  const login = influxLoginOf(environment);
  const tls = influxTlsOf(environment);
  return new InfluxTelemetryStore({
    url: environment.INFLUX_URL,
    ...(login && { login }),
    ...(tls && { tls }),
    database: environment.INFLUX_DATABASE,
    stepSeconds: environment.SWARM_STEP_SECONDS,
  });
};
