import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../config/config';
import { isLoopbackUrl } from '../platform/addresses';

/** Who asks InfluxDB. */
export interface InfluxLogin {
  username: string;
  password: string;
}

const OWN_USER = 'swarm';

/** Where a swarm that runs its own InfluxDB keeps the password for it. */
export const influxPasswordFile = (stateDir: string): string => join(stateDir, 'influx', 'password');

/** The login of a swarm's own InfluxDB. */
export const ownInfluxLogin = (password: string): InfluxLogin => ({ username: OWN_USER, password });

/**
 * The login that goes with this environment's INFLUX_URL: the one in the URL; else, where that is a server of this
 * machine, the one in the state folder. Undefined where there is none.
 */
export const influxLoginOf = ({ INFLUX_URL, SWARM_STATE_DIR }: Environment): InfluxLogin | undefined => {
  const { username, password } = new URL(INFLUX_URL);
  if (username) return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  if (!isLoopbackUrl(INFLUX_URL)) return undefined;
  try {
    return ownInfluxLogin(readFileSync(influxPasswordFile(SWARM_STATE_DIR), 'utf8').trim());
  } catch {
    return undefined;
  }
};
