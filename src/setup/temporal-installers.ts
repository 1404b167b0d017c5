import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SetupContext } from './context';
import { findExecutable, toolsCacheDir } from './executables';
import { explainFailure, runCommand } from './run-command';

/** The newest CLI that `go install` takes: later ones have a replace directive in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';

const DOWNLOAD_LIMIT_MS = 300_000;
const BUILD_LIMIT_MS = 30 * 60_000;
/** So many a build from nothing compiles; for people to see how far it is. */
const ABOUT_PACKAGES = 1_300;

/**
 * Installs into a folder of this attempt's own; failed attempts leave nothing behind, and so do successful
 * ones once the program is moved out and the next attempt starts.
 */
const freshFolder = async (context: SetupContext, name: string): Promise<string> => {
  const cache = toolsCacheDir(context.env);
  await mkdir(cache, { recursive: true });
  const left = (await readdir(cache)).filter((entry) => entry.startsWith(`${name}-`));
  await Promise.all(left.map((entry) => rm(join(cache, entry), { recursive: true, force: true })));
  return mkdtemp(join(cache, `${name}-`));
};

/**
 * Lets Temporal's SDK download its dev server. Without a network it fails within a second.
 * @returns where the program is
 * @throws Error that says why it can't be had
 */
export const downloadTemporalWithSdk = async (context: SetupContext): Promise<string> => {
  const folder = await freshFolder(context, 'sdk-download');
  context.progress("asking Temporal's SDK to download the server");
  const args = [join(__dirname, 'sdk-download-main.js'), folder];
  const result = await runCommand(process.execPath, args, {
    env: context.env,
    timeoutMs: DOWNLOAD_LIMIT_MS,
    signal: context.signal,
  });
  const [program] = result.ok ? await readdir(folder) : [];
  if (program) return join(folder, program);
  await rm(folder, { recursive: true, force: true });
  const why = result.ok ? 'it left no file' : explainFailure(result);
  throw new Error(`the SDK's download failed: ${why}`);
};

/**
 * Builds the CLI with Go: 3 to 6 minutes on 2 cores the first time.
 * @returns where the program is
 * @throws Error that says why it can't be had
 */
export const buildTemporalWithGo = async (context: SetupContext): Promise<string> => {
  const { env, progress, signal } = context;
  const go = await findExecutable('go', env);
  if (!go) throw new Error('go is not on PATH, so it could not be built either');
  const folder = await freshFolder(context, 'go-build');
  let modules = 0;
  let packages = 0;
  const onLine = (line: string): void => {
    if (line.startsWith('go: downloading')) modules += 1;
    else packages += 1;
    progress(
      `${modules} modules downloaded, ${packages} of about ${ABOUT_PACKAGES} packages compiled: ${line}`,
    );
  };
  const args = [
    'install',
    '-v',
    '-ldflags=-s -w',
    `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION}`,
  ];
  const result = await runCommand(go, args, {
    env: { ...env, GOBIN: folder },
    timeoutMs: BUILD_LIMIT_MS,
    signal,
    onLine,
  });
  if (result.ok) return join(folder, 'temporal');
  await rm(folder, { recursive: true, force: true });
  throw new Error(`the build with Go failed: ${explainFailure(result)}`);
};
