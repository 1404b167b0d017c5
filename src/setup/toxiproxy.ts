import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SwarmError } from '../domain';
import { moveIntoPlace } from '../platform/durable-file';
import type { FoundProgram, SetupContext } from './context';
import { findExecutable, toolsBinDir } from './executables';
import { installWithGo } from './go-install';

export const TOXIPROXY_VERSION = 'v2.12.0';

/**
 * The proxy that makes network faults, for chaos runs only: `toxiproxy-server` on PATH, the tools cache, a build
 * with Go (20 s).
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallToxiproxy = async (context: SetupContext): Promise<FoundProgram> => {
  const { env } = context;
  const onPath = await findExecutable('toxiproxy-server', env);
  if (onPath) return { path: onPath, how: 'PATH' };
  const cached = join(toolsBinDir(env), 'toxiproxy-server');
  if (await findExecutable(cached, env)) return { path: cached, how: 'tools cache' };
  try {
    const built = await installWithGo(context, {
      packageAtVersion: `github.com/Shopify/toxiproxy/v2/cmd/server@${TOXIPROXY_VERSION}`,
      aboutPackages: 280,
    });
    await mkdir(toolsBinDir(env), { recursive: true });
    await moveIntoPlace(built, cached);
    await rm(dirname(built), { recursive: true, force: true });
    return { path: cached, how: `built with Go (${TOXIPROXY_VERSION})` };
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `Toxiproxy was not found and could not be installed: ${(error as Error).message}.`,
      'Put toxiproxy-server on PATH, or install Go so that it can be built.',
    );
  }
};
