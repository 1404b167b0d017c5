import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FoundProgram, SetupContext } from './context';
import { takeFromDebianPackage } from './debian-packages';
import { findExecutable, toolsCacheDir } from './executables';
import { installOrRefuse } from './program-ladder';

const LIBRARY = 'libfaketime.so.1';

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch((): string[] => []);

/** Debian keeps a program's own libraries below /usr/lib/<architecture>/. */
const inLibraryFolders = async (usrLib: string): Promise<string | null> => {
  for (const folder of ['', ...(await namesIn(usrLib))]) {
    const path = join(usrLib, folder, 'faketime', LIBRARY);
    // A library has no x bit of its own: its folder tells.
    if ((await namesIn(dirname(path))).includes(LIBRARY)) return path;
  }
  return null;
};

/**
 * The library that makes a process see another wall clock, for chaos runs only: the system's own, the tools cache,
 * the Debian package `libfaketime` unpacked into the tools cache.
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallFaketime = async (
  context: SetupContext,
  systemLibraries = '/usr/lib',
): Promise<FoundProgram> => {
  const { env } = context;
  const installed = await inLibraryFolders(systemLibraries);
  if (installed) return { path: installed, how: 'installed' };
  const folder = join(toolsCacheDir(env), 'lib');
  const cached = join(folder, LIBRARY);
  if ((await namesIn(folder)).includes(LIBRARY)) return { path: cached, how: 'tools cache' };
  return installOrRefuse('libfaketime', 'Install it (Debian: apt-get install libfaketime).', async () => {
    if (process.platform !== 'linux') throw new Error('it is made for Linux');
    if (!(await findExecutable('apt-get', env))) throw new Error('apt-get is not on PATH');
    const find = async (unpacked: string): Promise<string> => {
      const found = await inLibraryFolders(join(unpacked, 'usr', 'lib'));
      if (!found) throw new Error(`the Debian package brought no ${LIBRARY}`);
      return found;
    };
    return takeFromDebianPackage('libfaketime', find, cached, context);
  });
};
