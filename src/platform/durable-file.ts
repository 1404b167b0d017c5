import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SwarmError } from '../domain';

/** Waits until the content of a file is on the disk, whoever wrote it. */
export const syncFile = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Waits until the names in a directory are on the disk. */
export const syncDirectory = (directory: string): Promise<void> => syncFile(directory);

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
 * Resolves once the disk holds it, so that a power cut can't bring the old content back. The caller makes sure that
 * one file is not replaced twice at the same time, or gives each its own `temporary` in the same folder.
 */
export const replaceFile = async (
  path: string,
  content: string | Buffer,
  temporary = `${path}.new`,
  mode = 0o666,
): Promise<void> => {
  try {
    const handle = await open(temporary, 'w', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
};

/** The same for a file with secrets: nobody but its owner may read it. */
export const replacePrivateFile = (path: string, content: string | Buffer): Promise<void> =>
  replaceFile(path, content, `${path}.new`, 0o600);

/** The same for callers that can't wait, with small files that are written seldom: the process is blocked meanwhile. */
export const replaceFileSync = (path: string, content: string): void => {
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};

/**
 * Gives a finished file, or a folder with all that is in it, its name, once all of it is on the disk: after a power cut it
 * is whole or not there.
 */
export const moveIntoPlace = async (made: string, path: string): Promise<void> => {
  await syncAll(made);
  await rename(made, path);
  await syncDirectory(dirname(path));
};

const syncAll = async (path: string): Promise<void> => {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  });
  for (const entry of entries ?? [])
    if (entry.isFile() || entry.isDirectory()) await syncAll(join(path, entry.name));
  // A folder and a file are forced alike.
  await syncFile(path);
};

/** Removes a file, if it is there, so that a power cut can't bring it back. */
export const removeFile = async (path: string): Promise<void> => {
  await rm(path, { force: true });
  await syncDirectory(dirname(path));
};

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

/** True if a write failed because the disk, or the share of it that this user may fill, is full. */
export const isDiskFull = (error: unknown): boolean =>
  NO_ROOM.has((error as NodeJS.ErrnoException | null)?.code ?? '');

/**
 * What the file system refused, as a refusal that names it: `storage-full`, or `unavailable` for all else (no
 * permission, a broken disk). Undefined if the error is none of the file system's.
 */
export const storageRefusal = (error: unknown, what: string): SwarmError | undefined => {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  return isDiskFull(error)
    ? new SwarmError(
        'storage-full',
        `There is no room on the disk to write ${what}: ${message}.`,
        'Make room where SWARM_STATE_DIR is; what was refused is asked for again by itself.',
        { cause: code },
      )
    : new SwarmError(
        'unavailable',
        `The disk refuses to write ${what}: ${message}.`,
        'Give this part access to SWARM_STATE_DIR, and see whether the disk is sound; then ask again.',
        { cause: code },
      );
};
