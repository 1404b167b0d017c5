import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SetupContext } from './context';
import { toolsCacheDir } from './executables';

/**
 * A folder of the tools cache for one attempt to install something; failed attempts leave nothing behind, and so do
 * successful ones once the program is moved out and the next attempt starts.
 */
export const freshFolder = async (context: SetupContext, name: string): Promise<string> => {
  const cache = toolsCacheDir(context.env);
  await mkdir(cache, { recursive: true });
  const left = (await readdir(cache)).filter((entry) => entry.startsWith(`${name}-`));
  await Promise.all(left.map((entry) => rm(join(cache, entry), { recursive: true, force: true })));
  return mkdtemp(join(cache, `${name}-`));
};
