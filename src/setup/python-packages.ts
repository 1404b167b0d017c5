import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { moveIntoPlace } from '../platform/durable-file';
import type { SetupContext } from './context';
import { findExecutable, toolsCacheDir } from './executables';
import { explainFailure, runCommand } from './run-command';

const INSTALL_LIMIT_MS = 300_000;
const PYTHON_LIMIT_MS = 10_000;

/** A Python that has pip: a machine may have several, of which the first on PATH has none. */
const pythonWithPip = async ({ env, signal }: SetupContext): Promise<string> => {
  const tried: string[] = [];
  for (const name of ['python3', '/usr/bin/python3', 'python']) {
    const python = await findExecutable(name, env);
    if (python === null || tried.includes(python)) continue;
    tried.push(python);
    const options = { env, timeoutMs: PYTHON_LIMIT_MS, signal };
    if ((await runCommand(python, ['-m', 'pip', '--version'], options)).ok) return python;
  }
  throw new SwarmError(
    'unavailable',
    tried.length > 0 ? `${tried.join(' and ')} has no pip.` : 'There is no Python 3 on PATH.',
    'Install Python 3 with pip (Debian: apt-get install python3-pip), or add the executable by its path.',
  );
};

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * Installs a wheel into a folder of its own in the tools cache, where it is found again; needs no root and runs no
 * code of the package.
 * @returns the folder
 * @throws SwarmError unavailable with what pip said
 */
export const installPythonPackage = async (
  name: string,
  version: string,
  context: SetupContext,
): Promise<string> => {
  const { env, progress, signal } = context;
  const packages = join(toolsCacheDir(env), 'python');
  const folder = join(packages, `${name}-${version}`);
  if (await isDirectory(folder)) return folder;
  const python = await pythonWithPip(context);
  await mkdir(packages, { recursive: true });
  const work = await mkdtemp(join(packages, '.installing-'));
  try {
    progress(`pip install ${name}==${version}`);
    const result = await runCommand(
      python,
      [
        ...['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--no-deps'],
        // Wheels only: a source package would run its own code.
        ...['--only-binary', ':all:', '--target', join(work, 'package'), `${name}==${version}`],
      ],
      { env, timeoutMs: INSTALL_LIMIT_MS, onLine: progress, signal },
    );
    if (!result.ok) {
      const cause = result.lastLines.findLast((line) => /error/i.test(line)) ?? explainFailure(result);
      throw new SwarmError(
        'unavailable',
        `${name} ${version} could not be installed: ${cause.trim()}.`,
        'Check name and version, and the index that pip is set to (pip config list).',
      );
    }
    // Another worker may have brought it meanwhile: the same files.
    await moveIntoPlace(join(work, 'package'), folder).catch(async (error: unknown) => {
      if (!(await isDirectory(folder))) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
