import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { hostAndPort } from '../platform/addresses';
import { loadOrCreateSecret } from '../platform/secret-file';
import { influxPasswordFile, ownInfluxLogin } from '../telemetry/influx-login';

/**
 * Writes the configuration of a swarm's own influxd: everything in the state folder, and no service, log or
 * self-monitoring that the swarm does not use.
 * @param options.login whether it asks for a user and a password (see ensureInfluxLogin)
 * @returns its path, for `influxd -config`
 */
export const writeInfluxConfig = async (options: {
  stateDir: string;
  host: string;
  port: number;
  backupPort: number;
  login: boolean;
}): Promise<string> => {
  const folder = join(options.stateDir, 'influx');
  await mkdir(folder, { recursive: true });
  const path = (name: string): string => JSON.stringify(join(folder, name));
  const config = `
reporting-enabled = false
bind-address = "127.0.0.1:${options.backupPort}"

[meta]
  dir = ${path('meta')}
  logging-enabled = false
[data]
  dir = ${path('data')}
  wal-dir = ${path('wal')}
  query-log-enabled = false
  # Telemetry of the last moments may be lost in a power cut; a sync per write would cost more than it is worth.
  wal-fsync-delay = "500ms"
  cache-max-memory-size = 268435456
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "${hostAndPort(options.host, options.port)}"
  auth-enabled = ${options.login}
  log-enabled = false
  pprof-enabled = false
  flux-enabled = false
[logging]
  level = "error"
  suppress-logo = true
`.trimStart();
  const file = join(folder, 'influxdb.conf');
  await writeFile(file, config);
  return file;
};

/** Until a server that has just started answers its first query. */
const LOGIN_LIMIT_MS = 10_000;

/**
 * Has a swarm's own influxd know the user that the parts ask as. Without a login, any web page could read, forge and
 * drop all telemetry: InfluxDB answers requests of every origin.
 * @throws SwarmError unavailable when it has another user than that of this state folder
 */
export const ensureInfluxLogin = async (url: string, stateDir: string): Promise<void> => {
  const file = influxPasswordFile(stateDir);
  const { username, password } = ownInfluxLogin(await loadOrCreateSecret(file));
  const ask = async (q: string, headers: Record<string, string> = {}): Promise<number> => {
    const signal = AbortSignal.timeout(LOGIN_LIMIT_MS);
    const body = new URLSearchParams({ q });
    const answer = await fetch(`${url}/query`, { method: 'POST', headers, body, signal });
    await answer.arrayBuffer();
    return answer.status;
  };
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const isKnown = async (): Promise<boolean> => (await ask('SHOW DATABASES', { authorization })) === 200;
  if (await isKnown()) return;
  // The first user of a server, and only the first, may be made without a login.
  await ask(`CREATE USER "${username}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
  if (await isKnown()) return;
  throw new SwarmError(
    'unavailable',
    `The InfluxDB in ${stateDir} does not know the password in ${file}.`,
    'Put the file of a backup back. Without one, move the folder influx away: its history is lost then.',
  );
};
