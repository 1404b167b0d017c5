import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { FoundProgram, SetupContext } from './context';
import { takeFromDebianPackage } from './debian-packages';
import { findExecutable, toolsBinDir } from './executables';

/**
 * The store of ownership of a swarm with replicas: etcd on PATH, the tools cache, the Debian package `etcd-server` unpacked
 * into the tools cache (nothing is installed, no service is started).
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallEtcd = async (context: SetupContext): Promise<FoundProgram> => {
  const { env } = context;
  const onPath = await findExecutable('etcd', env);
  if (onPath) return { path: onPath, how: 'PATH' };
  const cached = join(toolsBinDir(env), 'etcd');
  if (await findExecutable(cached, env)) return { path: cached, how: 'tools cache' };
  try {
    const find = async (unpacked: string): Promise<string> => {
      const found = await findExecutable(join(unpacked, 'usr', 'bin', 'etcd'), env);
      if (!found) throw new Error('the Debian package brought no etcd');
      return found;
    };
    return await takeFromDebianPackage('etcd-server', find, cached, context);
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `etcd was not found and could not be installed: ${(error as Error).message}.`,
      'Replicas keep in it who owns a channel. Install it (Debian: apt-get install etcd-server), or put it on PATH.',
    );
  }
};
