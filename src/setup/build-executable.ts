import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { SwarmError, type BuildSource } from '../domain';
import { findExecutable } from './executables';
import { installPythonPackage } from './python-packages';
import { runCommand } from './run-command';

type PackageSource = Extract<BuildSource, { kind: 'package' }>;

const DPKG_LIMIT_MS = 10_000;
/** What the names and versions of all three ecosystems are made of; nothing that a command could take for an option. */
const PACKAGE_NAME = /^@?[A-Za-z0-9][A-Za-z0-9._/+-]*$/;
const PACKAGE_VERSION = /^[A-Za-z0-9][A-Za-z0-9.:~+_-]*$/;

const notFound = (message: string, hint: string): SwarmError => new SwarmError('not-found', message, hint);

/** A package that is installed with this project, and names its executable as @ffmpeg-installer/ffmpeg does. */
const fromNpm = async ({ name, version }: PackageSource): Promise<string> => {
  const require = createRequire(__filename);
  const hint = `Install it beside encoder-swarm (npm install ${name}@${version}), or add the executable by its path.`;
  let installed: string;
  let exported: unknown;
  try {
    const manifest = JSON.parse(await readFile(require.resolve(`${name}/package.json`), 'utf8')) as {
      version: string;
    };
    installed = manifest.version;
    exported = await import(name);
  } catch (error) {
    throw notFound(
      `npm package ${name} is not installed here: ${(error as Error).message.split('\n')[0]}.`,
      hint,
    );
  }
  if (installed !== version) {
    throw notFound(`npm package ${name} is here in version ${installed}, not ${version}.`, hint);
  }
  const { path, default: other } = exported as { path?: unknown; default?: unknown };
  const found = [path, other, (other as { path?: unknown } | undefined)?.path].find(
    (p) => typeof p === 'string',
  );
  if (typeof found === 'string') return found;
  throw notFound(`npm package ${name} does not say where its ffmpeg is.`, 'Add the executable by its path.');
};

const fromPyPi = async (
  { name, version }: PackageSource,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> => {
  const folder = await installPythonPackage(name, version, { env, signal, progress: () => undefined });
  const files = await readdir(folder, { recursive: true });
  for (const file of files.filter((f) => /(^|\/)ffmpeg[^/]*$/.test(f)).sort()) {
    const path = await findExecutable(join(folder, file), env);
    if (path !== null) return path;
  }
  throw notFound(`PyPI package ${name} ${version} holds no ffmpeg.`, 'Add the executable by its path.');
};

const fromDebian = async ({ name, version }: PackageSource, env: NodeJS.ProcessEnv): Promise<string> => {
  const hint = `Install it where encoders run (apt-get install ${name}=${version}), or add the executable by its path.`;
  const ask = async (args: string[]): Promise<string[]> => {
    const lines: string[] = [];
    const onLine = (line: string): void => void lines.push(line);
    const result = await runCommand('dpkg-query', args, { env, timeoutMs: DPKG_LIMIT_MS, onLine });
    if (!result.ok) throw notFound(`Debian package ${name} is not installed here.`, hint);
    return lines;
  };
  const [installed = 'none'] = await ask(['--show', '--showformat=${Version}\\n', name]);
  if (installed !== version) {
    throw notFound(`Debian package ${name} is installed in version ${installed}, not ${version}.`, hint);
  }
  const file = (await ask(['--listfiles', name])).find((line) => line.endsWith('/bin/ffmpeg'));
  const path = file === undefined ? null : await findExecutable(file, env);
  if (path !== null) return path;
  throw notFound(`Debian package ${name} holds no ffmpeg.`, hint);
};

/**
 * Finds the ffmpeg of a build on this machine, or fetches it, and returns its path.
 * @throws SwarmError not-found, unavailable (it could not be fetched), bad-request (no name of a package)
 */
export const findBuildExecutable = async (
  source: Exclude<BuildSource, { kind: 'container' }>,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> => {
  if (source.kind === 'path') {
    const path = isAbsolute(source.path) ? await findExecutable(source.path, env) : null;
    if (path !== null) return path;
    throw notFound(
      `${source.path} is no executable file.`,
      'Give the absolute path of an ffmpeg on the machine of the encoders.',
    );
  }
  if (!PACKAGE_NAME.test(source.name) || !PACKAGE_VERSION.test(source.version)) {
    throw new SwarmError('bad-request', `${source.name} ${source.version} names no package.`);
  }
  if (source.ecosystem === 'npm') return fromNpm(source);
  return source.ecosystem === 'pypi' ? fromPyPi(source, env, signal) : fromDebian(source, env);
};
