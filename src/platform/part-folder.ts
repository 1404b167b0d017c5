import { join } from 'node:path';
import { lockFolder, type FolderLock } from './folder-lock';
import { requireKnownFormat } from './state-format';

/**
 * Starts a part on its own folder, `<stateDir>/<part>`: once the format of the state is known, and locked from before
 * anything is read there. Who stops the part releases the lock; a start that fails does so by itself.
 *
 * @throws SwarmError conflict when another process uses the folder, or a newer release wrote the state; what `start` throws
 */
export const startOnFolder = async <T>(
  stateDir: string,
  part: string,
  start: (lock: FolderLock) => Promise<T>,
): Promise<T> => {
  await requireKnownFormat(stateDir);
  const lock = await lockFolder(join(stateDir, part), part);
  try {
    return await start(lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
};
