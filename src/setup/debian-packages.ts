import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { SwarmError } from '../domain';
import { moveIntoPlace } from '../platform/durable-file';
import type { FoundProgram, SetupContext } from './context';
import { findExecutable, toolsCacheDir } from './executables';
import { explainFailure, runCommand } from './run-command';

const UPDATE_LIMIT_MS = 180_000;
const INSTALL_LIMIT_MS = 900_000;

/**
 * Downloads a Debian package and unpacks it into a folder with apt's private state kept beside it. Needs no
 * root, changes nothing of the system and starts no service, unlike an installation.
 * @returns the folder that it was unpacked into; the caller removes its parent
 * @throws SwarmError unavailable where this is no Debian, or the package can't be had
 */
const unpackDebianPackage = async (name: string, context: SetupContext): Promise<string> => {
  const { env, progress, signal } = context;
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!(await findExecutable(tool, env))) {
      throw new SwarmError('unavailable', `${tool} is not on PATH, so this is not a Debian system.`);
    }
  }
  await mkdir(toolsCacheDir(env), { recursive: true });
  const work = await mkdtemp(join(toolsCacheDir(env), `unpack-${name}-`));
  try {
    await Promise.all(
      ['lists/partial', 'archives/partial', 'state'].map((f) => mkdir(join(work, f), { recursive: true })),
    );
    const privateState = [
      `Dir::State=${work}/state`,
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}`,
      'Debug::NoLocking=1',
      `APT::Sandbox::User=${userInfo().username}`,
    ].flatMap((option) => ['-o', option]);
    const run = async (command: string, args: string[]): Promise<void> => {
      progress([command, ...args.slice(-2)].join(' '));
      const options = { env, cwd: work, timeoutMs: UPDATE_LIMIT_MS, onLine: progress, signal };
      const result = await runCommand(command, args, options);
      if (!result.ok) throw new SwarmError('unavailable', `${name}: ${explainFailure(result)}.`);
    };
    await run('apt-get', [...privateState, 'update']);
    await run('apt-get', [...privateState, 'download', name]);
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (!archive) throw new SwarmError('unavailable', `apt-get downloaded no package for ${name}.`);
    await run('dpkg-deb', ['--extract', archive, 'unpacked']);
    return join(work, 'unpacked');
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
};

/**
 * Takes one file out of a Debian package, without installing it.
 * @param find where the file is in the folder that the package was unpacked into; throws where it is not
 * @param path that it gets, once all of it is on the disk
 * @throws SwarmError unavailable as unpackDebianPackage, and what `find` throws
 */
export const takeFromDebianPackage = async (
  name: string,
  find: (unpacked: string) => Promise<string>,
  path: string,
  context: SetupContext,
): Promise<FoundProgram> => {
  const unpacked = await unpackDebianPackage(name, context);
  const found = await find(unpacked);
  await mkdir(dirname(path), { recursive: true });
  await moveIntoPlace(found, path);
  await rm(dirname(unpacked), { recursive: true, force: true });
  return { path, how: `Debian package ${name}` };
};

/**
 * Installs Debian packages for the whole system; as root, or through sudo where it asks for no password.
 * @throws SwarmError unavailable with the reason
 */
export const installDebianPackages = async (names: string[], context: SetupContext): Promise<void> => {
  const { env, progress, signal } = context;
  if (!(await findExecutable('apt-get', env))) {
    throw new SwarmError('unavailable', 'apt-get is not on PATH, so this is not a Debian system.');
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) {
    const maySudo = await runCommand('sudo', ['-n', 'true'], { env, timeoutMs: 5_000 });
    if (!maySudo.ok) {
      throw new SwarmError(
        'unavailable',
        'Installing a Debian package needs root, or sudo without password.',
      );
    }
  }
  const run = async (args: string[]): Promise<void> => {
    progress(['apt-get', ...args].join(' '));
    const aptEnv = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    const [command = 'env', ...rest] = isRoot ? aptEnv : ['sudo', '-n', ...aptEnv];
    const result = await runCommand(command, rest, {
      env,
      timeoutMs: INSTALL_LIMIT_MS,
      onLine: progress,
      signal,
    });
    if (!result.ok) throw new SwarmError('unavailable', `apt-get ${args[0]}: ${explainFailure(result)}.`);
  };
  await run(['update']);
  await run(['install', '--yes', '--no-install-recommends', ...names]);
};
