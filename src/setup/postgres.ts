import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { SetupContext } from './context';
import { installDebianPackages } from './debian-packages';
import { findExecutable } from './executables';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Programs of PostgreSQL in one folder, and the rung of the ladder that gave them. */
export interface FoundPostgres {
  binDir: string;
  how: string;
}

/** Debian has the programs of each major version in a folder of its own, and not on PATH. */
const debianBinDir = async (env: NodeJS.ProcessEnv, folder: string): Promise<string | null> => {
  const versions = await readdir(folder).catch(() => []);
  for (const version of versions.sort((one, other) => Number(other) - Number(one))) {
    const binDir = join(folder, version, 'bin');
    if (await findExecutable(join(binDir, 'initdb'), env)) return binDir;
  }
  return null;
};

/**
 * PostgreSQL, for a Temporal cluster: the folder that POSTGRES_BIN_DIR names, Debian's, or the Debian package, which is
 * installed for the whole system.
 * @param debianFolder where Debian has its versions
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrInstallPostgres = async (
  context: SetupContext,
  debianFolder = DEBIAN_FOLDER,
): Promise<FoundPostgres> => {
  const { env } = context;
  const hint =
    'Install it (Debian: apt-get install postgresql), or set POSTGRES_BIN_DIR to the folder of initdb.';
  const named = env.POSTGRES_BIN_DIR;
  if (named) {
    if (await findExecutable(join(named, 'initdb'), env)) return { binDir: named, how: 'POSTGRES_BIN_DIR' };
    throw new SwarmError('unavailable', `POSTGRES_BIN_DIR names ${named}, which has no initdb.`, hint);
  }
  const installed = await debianBinDir(env, debianFolder);
  if (installed) return { binDir: installed, how: 'installed' };
  try {
    await installDebianPackages(['postgresql'], context);
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `PostgreSQL was not found and could not be installed: ${(error as Error).message}`,
      hint,
    );
  }
  const binDir = await debianBinDir(env, debianFolder);
  if (binDir) return { binDir, how: 'Debian package postgresql' };
  throw new SwarmError(
    'unavailable',
    `The Debian package postgresql brought no initdb below ${debianFolder}.`,
    hint,
  );
};
