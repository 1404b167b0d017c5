import { constants, copyFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, syncFile } from './durable-file';

const asideOf = (path: string, nowMs: number): string =>
  `${path}.aside-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;

/**
 * Renames what can't be understood, so that it is out of the way and yet not lost: `<path>.aside-<when>`.
 *
 * @returns the new path
 */
export const setAside = async (path: string, nowMs = Date.now()): Promise<string> => {
  const aside = asideOf(path, nowMs);
  await rename(path, aside);
  await syncDirectory(dirname(path));
  return aside;
};

/** The same of a file that goes on being used: what is set aside is a copy. */
export const setCopyAside = async (path: string, nowMs = Date.now()): Promise<string> => {
  const aside = asideOf(path, nowMs);
  await copyFile(path, aside, constants.COPYFILE_FICLONE);
  // The original is about to be written anew.
  await syncFile(aside);
  await syncDirectory(dirname(path));
  return aside;
};
