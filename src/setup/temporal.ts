import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { moveIntoPlace } from '../platform/durable-file';
import type { FoundProgram, SetupContext } from './context';
import { findExecutable, toolsBinDir } from './executables';
import { runCommand } from './run-command';
import { TEMPORAL_CLI_VERSION, buildTemporalWithGo, downloadTemporal } from './temporal-installers';

/** Oldest server that the workflows run on: worker deployments need 1.28 or newer. */
const OLDEST_SERVER = [1, 28] as const;

/** A Temporal service that somebody else runs. */
export interface FoundTemporalService {
  address: string;
  namespace: string;
  how: string;
}

/**
 * Address in a profile of Temporal's own client configuration. Only one that is asked for (TEMPORAL_PROFILE or
 * TEMPORAL_CONFIG_FILE): the default file of a machine may name somebody's production.
 */
const profiledService = async (env: NodeJS.ProcessEnv): Promise<FoundTemporalService | null> => {
  if (!env.TEMPORAL_PROFILE && !env.TEMPORAL_CONFIG_FILE) return null;
  const { loadClientConfigProfile } = await import('@temporalio/envconfig');
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const profile = loadClientConfigProfile({ overrideEnvVars });
  if (!profile.address) return null;
  return {
    address: profile.address,
    namespace: profile.namespace ?? 'default',
    how: `profile ${env.TEMPORAL_PROFILE ?? 'default'}`,
  };
};

/** What `temporal --version` says, or why it can't be used. */
const refusalOf = async (path: string, env: NodeJS.ProcessEnv): Promise<string | null> => {
  const result = await runCommand(path, ['--version'], { env, timeoutMs: 10_000 });
  if (!result.ok) return result.why;
  const output = result.lastLines.join(' ');
  const version = /Server (\d+)\.(\d+)/.exec(output);
  if (!version) return `it says "${output}" of its version`;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const tooOld = major < OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor < OLDEST_SERVER[1]);
  return tooOld ? `its server ${major}.${minor} is older than ${OLDEST_SERVER.join('.')}` : null;
};

/** The program of the tools cache. The stamp beside it saves asking a 200 MB program for its version. */
const cachedProgram = async (env: NodeJS.ProcessEnv): Promise<FoundProgram | null> => {
  const path = join(toolsBinDir(env), 'temporal');
  if (!(await findExecutable(path, env))) return null;
  const stamp = await readFile(`${path}.version`, 'utf8').catch(() => '');
  if (stamp !== TEMPORAL_CLI_VERSION) {
    if (await refusalOf(path, env)) return null;
    await writeFile(`${path}.version`, TEMPORAL_CLI_VERSION);
  }
  return { path, how: 'tools cache' };
};

/** Moves a finished program into the cache in one step, so that a half-written one is never found. */
const keepInCache = async (program: string, env: NodeJS.ProcessEnv): Promise<string> => {
  const path = join(toolsBinDir(env), 'temporal');
  await mkdir(toolsBinDir(env), { recursive: true });
  await moveIntoPlace(program, path);
  await writeFile(`${path}.version`, TEMPORAL_CLI_VERSION);
  return path;
};

/**
 * Temporal: TEMPORAL_ADDRESS or a profile; TEMPORAL_CLI or `temporal` on PATH; the tools cache; the release of a known
 * digest; a build with Go.
 * @param options.released the release that may be downloaded; default: that of this platform
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallTemporal = async (
  context: SetupContext,
  options: { released?: { name: string; sha256: string } } = {},
): Promise<FoundTemporalService | FoundProgram> => {
  const { env, progress } = context;
  if (env.TEMPORAL_ADDRESS) {
    const namespace = env.TEMPORAL_NAMESPACE || 'default';
    return { address: env.TEMPORAL_ADDRESS, namespace, how: 'TEMPORAL_ADDRESS' };
  }
  const profiled = await profiledService(env);
  if (profiled) return profiled;

  const tried: string[] = [];
  const named = env.TEMPORAL_CLI || 'temporal';
  const own = await findExecutable(named, env);
  if (own) {
    const why = await refusalOf(own, env);
    if (!why) return { path: own, how: env.TEMPORAL_CLI ? 'TEMPORAL_CLI' : 'PATH' };
    tried.push(`${own} can't be used: ${why}`);
  } else if (env.TEMPORAL_CLI) tried.push(`TEMPORAL_CLI names ${named}, which is no program`);

  const cached = await cachedProgram(env);
  if (cached) return cached;

  const installers = [
    {
      how: `downloaded (${TEMPORAL_CLI_VERSION})`,
      install: () => downloadTemporal(context, options.released),
    },
    { how: `built with Go (${TEMPORAL_CLI_VERSION})`, install: () => buildTemporalWithGo(context) },
  ];
  for (const { how, install } of installers) {
    try {
      return { path: await keepInCache(await install(), env), how };
    } catch (error) {
      const why = (error as Error).message;
      tried.push(why);
      progress(why);
    }
  }
  throw new SwarmError(
    'unavailable',
    `Temporal was not found and could not be installed: ${tried.join('; ')}.`,
    'Put the Temporal CLI (temporal) on PATH, or install Go so that it can be built, or set TEMPORAL_ADDRESS to a running service.',
  );
};
