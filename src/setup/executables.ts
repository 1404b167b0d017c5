import { access, constants, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

const isExecutableFile = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
};

/**
 * Finds a program as a shell would: a name is looked up on PATH, anything with a slash is a path.
 * @returns its absolute path, or null.
 */
export const findExecutable = async (nameOrPath: string, env: NodeJS.ProcessEnv): Promise<string | null> => {
  if (nameOrPath.includes('/')) {
    const path = resolve(nameOrPath);
    return (await isExecutableFile(path)) ? path : null;
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, nameOrPath);
    if (await isExecutableFile(path)) return path;
  }
  return null;
};

/** HOME may be unset or empty, as under a service manager, and the account may be one that the machine does not know. */
const homeOf = (env: NodeJS.ProcessEnv): string => {
  if (env.HOME) return env.HOME;
  try {
    return userInfo().homedir;
  } catch {
    return tmpdir();
  }
};

/** Folder of the tools that set-up installed: outside the project, so that a fresh clone finds them again. */
export const toolsCacheDir = (env: NodeJS.ProcessEnv): string => {
  // The XDG Base Directory Specification: a relative XDG_CACHE_HOME is to be ignored.
  const base = env.XDG_CACHE_HOME;
  const cacheHome = base && isAbsolute(base) ? base : join(homeOf(env), '.cache');
  return join(cacheHome, 'encoder-swarm');
};

/** Folder of the programs in the tools cache. */
export const toolsBinDir = (env: NodeJS.ProcessEnv): string => join(toolsCacheDir(env), 'bin');
