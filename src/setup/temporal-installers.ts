import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SetupContext } from './context';
import { freshFolder } from './fresh-folder';
import { installWithGo } from './go-install';
import { explainFailure, runCommand } from './run-command';

/** The newest CLI that `go install` takes: later ones have a replace directive in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';

const DOWNLOAD_LIMIT_MS = 300_000;

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
export const buildTemporalWithGo = (context: SetupContext): Promise<string> =>
  installWithGo(context, {
    packageAtVersion: `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION}`,
    aboutPackages: 1_300,
  });
