import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostAndPort } from '../platform/addresses';

/**
 * Writes the configuration of a swarm's own influxd: everything in the state folder, and no service, log or
 * self-monitoring that the swarm does not use.
 * @returns its path, for `influxd -config`
 */
export const writeInfluxConfig = async (options: {
  stateDir: string;
  host: string;
  port: number;
  backupPort: number;
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
