import { access, constants } from 'node:fs/promises';
import { SwarmError, type InstalledBuild } from '../domain';
import { sha256OfFile } from '../platform/file-digest';
import { requireAllowedExecutable } from '../setup';

/**
 * Makes sure that a build can be run here and is the one that is meant.
 * @param env of the machine: which folders builds may come from
 * @throws SwarmError not-found, conflict (the file has another digest), bad-request (it may not be run here)
 */
export const verifyInstalled = async (
  { buildId, executablePath, digest }: InstalledBuild,
  env: NodeJS.ProcessEnv,
): Promise<void> => {
  await requireAllowedExecutable(executablePath, env);
  let found: string;
  try {
    await access(executablePath, constants.X_OK);
    found = await sha256OfFile(executablePath);
  } catch (error) {
    throw new SwarmError(
      'not-found',
      `Build ${buildId} can't be run here: ${(error as Error).message}.`,
      'Install it on this machine again, or choose another build.',
    );
  }
  if (found === digest) return;
  throw new SwarmError(
    'conflict',
    `${executablePath} is not build ${buildId} any more: its SHA-256 is ${found}, not ${digest}.`,
    'Add the executable that is there now as a build of its own, and probe it.',
  );
};
