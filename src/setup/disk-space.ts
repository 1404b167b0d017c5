import { statfs } from 'node:fs/promises';
import { SwarmError } from '../domain';

/** Least free space to start with: segments, databases and logs of some hours. */
export const NEEDED_FREE_BYTES = 500 * 1024 * 1024;

/** Reads free blocks of the file system that holds a path; as `fs.statfs` does. */
export type StatFileSystem = (path: string) => Promise<{ bavail: number; bsize: number }>;

/** @throws SwarmError unavailable when the disk that holds `folder` is nearly full */
export const requireDiskSpace = async (
  folder: string,
  readFileSystem: StatFileSystem = statfs,
): Promise<void> => {
  const { bavail, bsize } = await readFileSystem(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= NEEDED_FREE_BYTES) return;
  const inMiB = (bytes: number): number => Math.floor(bytes / 1024 / 1024);
  throw new SwarmError(
    'unavailable',
    `The disk that holds ${folder} has ${inMiB(freeBytes)} MiB left; ${inMiB(NEEDED_FREE_BYTES)} MiB are needed.`,
    'Free some space, or put the state elsewhere with --state-dir.',
  );
};
