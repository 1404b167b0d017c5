import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { FoundProgram, FoundServer, SetupContext } from './context';
import { takeFromDebianPackage } from './debian-packages';
import { findExecutable, toolsBinDir } from './executables';

/**
 * InfluxDB with the 1.x API: INFLUX_URL, `influxd` on PATH, the tools cache, the Debian package.
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallInflux = async (context: SetupContext): Promise<FoundServer | FoundProgram> => {
  const { env } = context;
  if (env.INFLUX_URL) return { url: env.INFLUX_URL, how: 'INFLUX_URL' };
  const onPath = await findExecutable('influxd', env);
  if (onPath) return { path: onPath, how: 'PATH' };
  const cached = join(toolsBinDir(env), 'influxd');
  if (await findExecutable(cached, env)) return { path: cached, how: 'tools cache' };
  try {
    const find = (unpacked: string): Promise<string> =>
      Promise.resolve(join(unpacked, 'usr', 'bin', 'influxd'));
    return await takeFromDebianPackage('influxdb', find, cached, context);
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `InfluxDB was not found and could not be installed: ${(error as Error).message}`,
      'Install InfluxDB 1.x so that influxd is on PATH (Debian: apt-get install influxdb), or set INFLUX_URL to a running server.',
    );
  }
};
