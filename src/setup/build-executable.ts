import { chmod, readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { SwarmError, type BuildSource } from '../domain';
import { requireAllowedExecutable, requireAllowedPackage } from './build-policy';
import { findExecutable } from './executables';
import { installPythonPackage } from './python-packages';
import { runCommand } from './run-command';

type PackageSource = Extract<BuildSource, { kind: 'package' }>;

const DPKG_LIMIT_MS = 10_000;
/** The package with an ffmpeg that is installed with this project. */
export const PACKAGED_FFMPEG = '@ffmpeg-installer/ffmpeg';
const notFound = (message: string, hint: string): SwarmError => new SwarmError('not-found', message, hint);

const readManifest = async (file: string): Promise<PackageManifest> =>
  JSON.parse(await readFile(file, 'utf8')) as PackageManifest;

interface PackageManifest {
  version: string;
  optionalDependencies?: Record<string, string>;
}

interface InstalledPackage {
  version: string;
  /** Its own, and those of its parts for this platform. */
  folders: string[];
}

/** A package that is installed with this project; no code of it is loaded. @throws Error where it is not installed */
const installedPackage = async (name: string): Promise<InstalledPackage> => {
  const { resolve } = createRequire(__filename);
  const manifestFile = resolve(`${name}/package.json`);
  const manifest = await readManifest(manifestFile);
  return { version: manifest.version, folders: [dirname(manifestFile), ...partsOf(manifest, resolve)] };
};

const ffmpegIn = async (folders: readonly string[]): Promise<string | null> => {
  for (const folder of folders) {
    const path = await findExecutable(join(folder, 'ffmpeg'), {});
    if (path !== null) return path;
  }
  return null;
};

const fromNpm = async ({ name, version }: PackageSource): Promise<string> => {
  const hint = `Install it beside encoder-swarm (npm install ${name}@${version}), or add the executable by its path.`;
  const installed = await installedPackage(name).catch((error: Error) => {
    throw notFound(`npm package ${name} is not installed here: ${error.message.split('\n')[0]}.`, hint);
  });
  if (installed.version !== version) {
    throw notFound(`npm package ${name} is here in version ${installed.version}, not ${version}.`, hint);
  }
  const path = await ffmpegIn(installed.folders);
  if (path !== null) return path;
  throw notFound(`npm package ${name} holds no ffmpeg for this platform.`, 'Add the executable by its path.');
};

/** Folders of the parts of a package that are installed: npm leaves out those for other platforms. */
const partsOf = (
  { optionalDependencies = {} }: PackageManifest,
  resolve: (name: string) => string,
): string[] =>
  Object.keys(optionalDependencies).flatMap((part) => {
    try {
      return [dirname(resolve(`${part}/package.json`))];
    } catch {
      return [];
    }
  });

/**
 * The ffmpeg that is installed with this project; null where there is none for this platform. Made executable, which npm
 * leaves to a script of the package that may have been turned off.
 */
export const packagedFfmpeg = async (): Promise<string | null> => {
  try {
    const { folders } = await installedPackage(PACKAGED_FFMPEG);
    await Promise.allSettled(folders.map((folder) => chmod(join(folder, 'ffmpeg'), 0o755)));
    return await ffmpegIn(folders);
  } catch {
    return null;
  }
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
 * @throws SwarmError not-found, unavailable (it could not be fetched), bad-request (no name of a package; it may
 * not be run here: see build-policy.ts)
 */
export const findBuildExecutable = async (
  source: Exclude<BuildSource, { kind: 'container' }>,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> => {
  if (source.kind === 'path') {
    if (isAbsolute(source.path)) await requireAllowedExecutable(source.path, env);
    const path = isAbsolute(source.path) ? await findExecutable(source.path, env) : null;
    if (path === null) {
      throw notFound(
        `${source.path} is no executable file.`,
        'Give the absolute path of an ffmpeg on the machine of the encoders.',
      );
    }
    return path;
  }
  requireAllowedPackage(source, env);
  if (source.ecosystem === 'npm') return fromNpm(source);
  return source.ecosystem === 'pypi' ? fromPyPi(source, env, signal) : fromDebian(source, env);
};
