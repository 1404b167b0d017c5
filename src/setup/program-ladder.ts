import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { FoundProgram, SetupContext } from './context';
import { takeFromDebianPackage } from './debian-packages';
import { findExecutable, toolsBinDir } from './executables';

/** A program on PATH, of the system, or in the tools cache; null: there is none. */
export const findProgram = async (
  name: string,
  env: NodeJS.ProcessEnv,
  systemPath?: string,
): Promise<FoundProgram | null> => {
  const rungs: [string | undefined, string][] = [
    [name, 'PATH'],
    [systemPath, 'installed'],
    [join(toolsBinDir(env), name), 'tools cache'],
  ];
  for (const [nameOrPath, how] of rungs) {
    const path = nameOrPath === undefined ? null : await findExecutable(nameOrPath, env);
    if (path !== null) return { path, how };
  }
  return null;
};

/** Has what is missing installed. @throws SwarmError unavailable with the hint where that fails */
export const installOrRefuse = async <T>(
  title: string,
  hint: string,
  install: () => Promise<T>,
): Promise<T> => {
  try {
    return await install();
  } catch (error) {
    const why = (error as Error).message.replace(/\.$/, '');
    throw new SwarmError('unavailable', `${title} was not found and could not be installed: ${why}.`, hint);
  }
};

/** A program that a Debian package brings. */
interface PackagedProgram {
  /** For people. */
  title: string;
  name: string;
  /** Where a system has it that is not on the PATH of users. */
  systemPath?: string;
  debianPackage: string;
  /** Where the package has it. */
  pathInPackage: string;
  hint: string;
}

/**
 * The program on PATH or of the system, in the tools cache, or out of the Debian package, which is unpacked into the tools
 * cache: nothing is installed, no service is started.
 * @throws SwarmError unavailable with the hint when no rung holds
 */
export const findOrUnpack = async (
  context: SetupContext,
  program: PackagedProgram,
): Promise<FoundProgram> => {
  const { title, name, systemPath, debianPackage, pathInPackage, hint } = program;
  const { env } = context;
  const found = await findProgram(name, env, systemPath);
  if (found) return found;
  const find = async (unpacked: string): Promise<string> => {
    const path = await findExecutable(join(unpacked, pathInPackage), env);
    if (path === null) throw new Error(`the Debian package brought no ${name}`);
    return path;
  };
  return installOrRefuse(title, hint, () =>
    takeFromDebianPackage(debianPackage, find, join(toolsBinDir(env), name), context),
  );
};
