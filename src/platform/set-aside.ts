import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from './durable-file';

/**
 * Renames what can't be understood, so that it is out of the way and yet not lost: `<path>.aside-<when>`.
 *
 * @returns the new path
 */
export const setAside = async (path: string, nowMs = Date.now()): Promise<string> => {
  const aside = `${path}.aside-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
  await rename(path, aside);
  await syncDirectory(dirname(path));
  return aside;
};
