import { mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { extract } from 'tar';
import { SwarmError } from '../domain';
import { replaceFile, storageRefusal, syncDirectory } from '../platform/durable-file';
import { lockFolder } from '../platform/folder-lock';
import { makeStateFolder } from '../platform/state-folder';
import { FORMAT_FILE, STATE_FORMAT } from '../platform/state-format';
import { summaryOf, type BackupSummary } from './backup';
import { MANIFEST_NAME, damaged, type Manifest } from './manifest';
import { readArchive, readingOptions } from './read-archive';

/** What FORMAT_FILE holds meanwhile: while it has no number in it, no part starts on the folder. */
const UNFINISHED = `${JSON.stringify({ format: 'being restored' })}\n`;

/**
 * Brings a backup back into a state folder that is empty, or not there yet. The archive is read and checked as a whole
 * before anything is written. No part starts on the folder before all of it is back and on the disk.
 *
 * @throws SwarmError conflict where the folder is not empty, or a newer release made the backup; bad-request where
 *   the archive is damaged; not-found where it is not there; storage-full
 */
export const restore = async (options: { stateDir: string; file: string }): Promise<BackupSummary> => {
  const stateDir = resolve(options.stateDir);
  const file = resolve(options.file);
  await requireEmpty(stateDir);
  const { manifest, bytes } = await readArchive(file);
  requireKnownState(file, manifest);
  const lock = await makeStateFolder(stateDir)
    .then(() => lockFolder(stateDir, 'restore'))
    .catch((error: unknown) => {
      throw storageRefusal(error, stateDir) ?? error;
    });
  try {
    // Another restore may have come first.
    await requireEmpty(stateDir);
    await unpack(stateDir, file, manifest).catch((error: unknown) => {
      throw storageRefusal(error, stateDir) ?? error;
    });
  } finally {
    await lock.release();
  }
  return summaryOf(manifest, file, bytes);
};

/** All but what a lock leaves in a folder: that is no state. */
const entriesOf = async (stateDir: string): Promise<string[]> =>
  (await readdir(stateDir)).filter((name) => name !== '.lock');

const requireEmpty = async (stateDir: string): Promise<void> => {
  const found = await entriesOf(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new SwarmError(
      'bad-request',
      `${stateDir} is no folder to restore into: ${error.message}.`,
      'Name one with --state-dir.',
    );
  });
  if (found.length === 0) return;
  throw new SwarmError(
    'conflict',
    `${stateDir} is not empty: it holds ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}. Nothing was changed.`,
    'Stop the swarm there, move the folder away, and restore again; or name another folder with --state-dir.',
  );
};

const requireKnownState = (file: string, { stateFormat, release, files }: Manifest): void => {
  if (stateFormat > STATE_FORMAT) {
    throw new SwarmError(
      'conflict',
      `${file} has state of format ${stateFormat}, by release ${release}; this release reads formats up to ` +
        `${STATE_FORMAT}. Nothing was changed.`,
      'Restore it with the release that made it, or a newer one.',
    );
  }
  if (!files.some(({ path }) => path === FORMAT_FILE)) throw damaged(file, `${FORMAT_FILE} is missing`);
};

const unpack = async (stateDir: string, file: string, manifest: Manifest): Promise<void> => {
  const formatFile = join(stateDir, FORMAT_FILE);
  const staging = await mkdtemp(join(stateDir, '.restoring-'));
  try {
    await replaceFile(formatFile, UNFINISHED);
    await extractAll(file, staging);
    await forceToDisk(staging, manifest);
    const names = await readdir(staging);
    for (const name of names.filter((n) => n !== FORMAT_FILE))
      await rename(join(staging, name), join(stateDir, name));
  } catch (error) {
    // It was empty: all that is there now is of this restore.
    for (const name of await entriesOf(stateDir))
      await rm(join(stateDir, name), { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(stateDir);
  await rename(join(staging, FORMAT_FILE), formatFile);
  await rm(staging, { recursive: true });
  await syncDirectory(stateDir);
};

/** An error of the file system comes as the message or with it, depending on whether tar takes it for an Error. */
const isOfFileSystem = (told: unknown): told is Error =>
  typeof told === 'object' && told !== null && 'syscall' in told;

/** To the end also where a file is refused: nothing may be written any more once this has ended. */
const extractAll = async (file: string, folder: string): Promise<void> => {
  let failure: Error | undefined;
  await extract({
    ...readingOptions(file),
    strict: false,
    cwd: folder,
    filter: (path) => path !== MANIFEST_NAME,
    onwarn: (code, message, data) => {
      const told: unknown[] = [message, data];
      failure ??= told.find(isOfFileSystem) ?? new Error(`${code}: ${String(message)}`);
    },
  });
  if (failure) throw failure;
};

const forceToDisk = async (folder: string, { directories, files }: Manifest): Promise<void> => {
  for (const { path, bytes } of files) {
    const handle = await open(join(folder, path), 'r');
    await handle.sync().finally(() => handle.close());
    // It was checked in the archive: a file system that cuts files is seen here.
    if ((await stat(join(folder, path))).size !== bytes)
      throw new Error(`${path} was not written as a whole`);
  }
  for (const path of ['', ...directories]) await syncDirectory(join(folder, path));
};
