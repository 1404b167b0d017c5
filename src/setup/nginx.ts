import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { FoundProgram, SetupContext } from './context';
import { takeFromDebianPackage } from './debian-packages';
import { findExecutable, toolsBinDir } from './executables';

/** Where Debian has it: not on the PATH of users. */
const SYSTEM_PATH = '/usr/sbin/nginx';

/**
 * The proxy of an edge: nginx on PATH or of the system, the tools cache, the Debian package `nginx` unpacked into the
 * tools cache (nothing is installed, no service is started).
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallNginx = async (
  context: SetupContext,
  systemPath = SYSTEM_PATH,
): Promise<FoundProgram> => {
  const { env } = context;
  const onPath = await findExecutable('nginx', env);
  if (onPath) return { path: onPath, how: 'PATH' };
  const installed = await findExecutable(systemPath, env);
  if (installed) return { path: installed, how: 'installed' };
  const cached = join(toolsBinDir(env), 'nginx');
  if (await findExecutable(cached, env)) return { path: cached, how: 'tools cache' };
  try {
    const find = async (unpacked: string): Promise<string> => {
      const found = await findExecutable(join(unpacked, 'usr', 'sbin', 'nginx'), env);
      if (!found) throw new Error('the Debian package brought no nginx');
      return found;
    };
    return await takeFromDebianPackage('nginx', find, cached, context);
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `nginx was not found and could not be installed: ${(error as Error).message}.`,
      'Install it (Debian: apt-get install nginx), or put it on PATH.',
    );
  }
};
