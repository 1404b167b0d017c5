import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import type { SetupContext } from './context';
import { findExecutable, toolsCacheDir } from './executables';
import { explainFailure, runCommand } from './run-command';

const VENV_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 900_000;

/**
 * A Python environment with packages in it, in the tools cache; made once for each list of packages.
 *
 * @param name of its folder
 * @param packages with their exact versions, `name==version`
 * @returns path of its folder; its programs are in `bin`
 * @throws SwarmError unavailable when there is no Python 3, or pip can't install
 */
export const preparePythonEnvironment = async (
  name: string,
  packages: readonly string[],
  { env, progress, signal }: SetupContext,
): Promise<string> => {
  const folder = join(toolsCacheDir(env), name);
  // Written last: a folder without it was left half-made.
  const stamp = join(folder, 'packages.txt');
  const wanted = packages.join('\n');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return folder;
  const base = await findExecutable('python3', env);
  if (!base)
    throw new SwarmError(
      'unavailable',
      `${name} needs Python 3, and there is no python3 on PATH.`,
      'Install Python 3.10 or later with its venv module (Debian: apt-get install python3-venv).',
    );
  await rm(folder, { recursive: true, force: true });
  await mkdir(toolsCacheDir(env), { recursive: true });
  const run = async (command: string, args: string[], timeoutMs: number): Promise<void> => {
    const result = await runCommand(command, args, { env, timeoutMs, onLine: progress, signal });
    if (result.ok) return;
    throw new SwarmError(
      'unavailable',
      `The Python environment ${name} can't be made: ${explainFailure(result)}.`,
      'Install the venv module (Debian: apt-get install python3-venv), and see that pip reaches its index.',
    );
  };
  await run(base, ['-m', 'venv', folder], VENV_LIMIT_MS);
  const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check'];
  await run(join(folder, 'bin', 'python'), [...pip, ...packages], INSTALL_LIMIT_MS);
  await writeFile(stamp, wanted);
  return folder;
};
