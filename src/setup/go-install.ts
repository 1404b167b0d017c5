import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { moveIntoPlace } from '../platform/durable-file';
import type { FoundProgram, SetupContext } from './context';
import { findExecutable, toolsBinDir } from './executables';
import { freshFolder } from './fresh-folder';
import { explainFailure, runCommand } from './run-command';

const BUILD_LIMIT_MS = 30 * 60_000;

/**
 * Builds a program with Go, in a folder of this attempt's own.
 * @param options.packageAtVersion as `go install` takes it: path of the main package, "@", version
 * @param options.aboutPackages packages that a build from nothing compiles, to show how far it is
 * @returns where the program is
 * @throws Error that says why it can't be had
 */
export const installWithGo = async (
  context: SetupContext,
  options: { packageAtVersion: string; aboutPackages: number },
): Promise<string> => {
  const { env, progress, signal } = context;
  const go = await findExecutable('go', env);
  if (!go) throw new Error('go is not on PATH, so it could not be built either');
  const program = options.packageAtVersion.replace(/@.*$/, '').split('/').at(-1) ?? '';
  const folder = await freshFolder(context, `go-build-${program}`);
  let modules = 0;
  let packages = 0;
  const onLine = (line: string): void => {
    if (line.startsWith('go: downloading')) modules += 1;
    else packages += 1;
    progress(
      `${modules} modules downloaded, ${packages} of about ${options.aboutPackages} packages compiled: ${line}`,
    );
  };
  const result = await runCommand(go, ['install', '-v', '-ldflags=-s -w', options.packageAtVersion], {
    env: { ...env, GOBIN: folder },
    timeoutMs: BUILD_LIMIT_MS,
    signal,
    onLine,
  });
  if (result.ok) return join(folder, program);
  await rm(folder, { recursive: true, force: true });
  throw new Error(`the build with Go failed: ${explainFailure(result)}`);
};

/**
 * The same, into the tools cache.
 * @param name that the program gets there
 * @throws Error that says why it can't be had
 */
export const buildIntoCache = async (
  context: SetupContext,
  name: string,
  options: { mainPackage: string; version: string; aboutPackages: number },
): Promise<FoundProgram> => {
  const { mainPackage, version, aboutPackages } = options;
  const built = await installWithGo(context, {
    packageAtVersion: `${mainPackage}@${version}`,
    aboutPackages,
  });
  const folder = toolsBinDir(context.env);
  const path = join(folder, name);
  await mkdir(folder, { recursive: true });
  await moveIntoPlace(built, path);
  await rm(dirname(built), { recursive: true, force: true });
  return { path, how: `built with Go (${version})` };
};
