import { realpath } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, resolve, sep } from 'node:path';
import { DEFAULT_BUILD_DIRS, DEFAULT_BUILD_PACKAGES, SwarmError, type BuildSource } from '../domain';
import { isBelow } from '../platform/paths';
import { findExecutable, toolsCacheDir } from './executables';

/**
 * What may be run as an encoder build. Whoever may add a build names a program that encoder hosts then run: so it has to
 * lie where the operator of the machine puts programs, or come from a package that he named.
 */

type PackageSource = Extract<BuildSource, { kind: 'package' }>;

/** The rules of each ecosystem for names and versions, whole: no path, and nothing that a command takes for an option. */
const names: Record<PackageSource['ecosystem'], { name: RegExp; version: RegExp }> = {
  npm: {
    name: /^(@[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*\/)?[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*$/,
    version: /^\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/,
  },
  pypi: {
    name: /^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/,
    version: /^[0-9A-Za-z]+([.!+_-][0-9A-Za-z]+)*$/,
  },
  debian: { name: /^[a-z0-9][a-z0-9+-]+(\.[a-z0-9+-]+)*$/, version: /^\d[A-Za-z0-9.+~:-]*$/ },
};

/** @throws SwarmError bad-request: no name of a package, or of one that this swarm may not run */
export const requireAllowedPackage = (
  { ecosystem, name, version }: PackageSource,
  env: NodeJS.ProcessEnv,
): void => {
  const rule = names[ecosystem];
  if (!rule.name.test(name) || !rule.version.test(version)) {
    throw new SwarmError('bad-request', `${name} ${version} names no package of ${ecosystem}.`);
  }
  const allowed = (env.SWARM_BUILD_PACKAGES || DEFAULT_BUILD_PACKAGES)
    .split(',')
    .map((entry) => entry.trim());
  if (allowed.includes(`${ecosystem}:${name}`)) return;
  throw new SwarmError(
    'bad-request',
    `Builds from the ${ecosystem} package ${name} may not be run here.`,
    `Add ${ecosystem}:${name} to SWARM_BUILD_PACKAGES where worker and encoders run.`,
  );
};

const EXECUTABLE_NAME = /^ffmpeg[\w.+-]*$/;

const realPath = (path: string): Promise<string | null> => realpath(path).catch(() => null);

/** Folders of packages that were installed by name: below node_modules and in the tools cache. */
const packageFolders = (env: NodeJS.ProcessEnv): string[] => [
  join(toolsCacheDir(env), 'python'),
  ...__dirname
    .split(sep)
    .map((_, depth, parts) => join(sep, ...parts.slice(0, depth + 1), 'node_modules'))
    .reverse(),
];

/**
 * An executable may be run as a build if it is called ffmpeg, and lies in a folder of SWARM_BUILD_DIRS or of a package,
 * or if it is FFMPEG itself. Links are followed first. A file that is not there passes where one might be, so that
 * nobody learns from the answer what there is elsewhere.
 * @param path absolute
 * @throws SwarmError bad-request
 */
export const requireAllowedExecutable = async (path: string, env: NodeJS.ProcessEnv): Promise<void> => {
  const target = (await realPath(path)) ?? resolve(path);
  const own = await findExecutable(env.FFMPEG || 'ffmpeg', env);
  if (own !== null && target === (await realPath(own))) return;
  const configured = (env.SWARM_BUILD_DIRS || DEFAULT_BUILD_DIRS).split(delimiter);
  const folders = [...configured, ...packageFolders(env)].filter(isAbsolute);
  const roots = (await Promise.all(folders.map(realPath))).filter((folder) => folder !== null);
  const isThere = roots.some((root) => isBelow(target, root));
  if (isThere && EXECUTABLE_NAME.test(basename(target))) return;
  throw new SwarmError(
    'bad-request',
    `${path} may not be run as a build here.`,
    `Put it, under a name that begins with ffmpeg, into a folder of SWARM_BUILD_DIRS (${configured.join(', ')}) of the machine that runs it.`,
  );
};
