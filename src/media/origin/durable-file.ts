import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SwarmError } from '../../domain';

const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Creates a directory (and those above it) so that it is still there after a power cut. */
export const makeDirectoryDurably = async (directory: string): Promise<void> => {
  const firstMade = await mkdir(directory, { recursive: true });
  if (firstMade === undefined) return;
  for (let made = directory; made !== dirname(firstMade); made = dirname(made)) {
    await syncDirectory(dirname(made));
  }
};

/**
 * Replaces a file in one step: readers, also after a crash, find the old content or the new, never a part.
 * `durable` also waits until the disk holds it, so that a power cut can't bring the old content back.
 * The caller makes sure that one file is not replaced twice at the same time.
 */
export const replaceFile = async (
  path: string,
  content: string | Buffer,
  options: { durable: boolean },
): Promise<void> => {
  const temporary = `${path}.new`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      if (options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  if (options.durable) await syncDirectory(dirname(path));
};

/** What the file system refused (disk full, no permission), as a refusal that names it; else undefined. */
export const storageRefusal = (error: unknown, what: string): SwarmError | undefined => {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  return new SwarmError(
    'unavailable',
    `The origin can't write the state of ${what}: ${message}.`,
    'Make room on the disk, or give the origin access to SWARM_STATE_DIR; then ask again.',
    { cause: code },
  );
};
