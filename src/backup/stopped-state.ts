import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { lockFolder, type FolderLock } from '../platform/folder-lock';
import { runningOn } from '../platform/processes/run-record';
import { REPLICAS_FOLDER } from '../platform/state-folder';
import { FORMAT_FILE, requireKnownFormat } from '../platform/state-format';

/** Parts that have a folder of their own in the state folder, and lock it. */
const PARTS_WITH_A_FOLDER = ['relay', 'source', 'origin'];

const foldersOfParts = async (stateDir: string): Promise<string[]> => {
  const replicas = await readdir(join(stateDir, REPLICAS_FOLDER)).catch(() => []);
  const parts = replicas.flatMap((name) =>
    PARTS_WITH_A_FOLDER.map((part) => join(REPLICAS_FOLDER, name, part)),
  );
  return [...PARTS_WITH_A_FOLDER, ...parts];
};

/** Of a state folder of any release, at least one is there. */
const SIGNS_OF_STATE = [FORMAT_FILE, 'stamp.key', 'temporal.db', REPLICAS_FOLDER, ...PARTS_WITH_A_FOLDER];

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** @throws SwarmError not-found, unless a swarm has kept its state there */
const requireState = async (stateDir: string): Promise<void> => {
  const signs = await Promise.all(SIGNS_OF_STATE.map((name) => exists(join(stateDir, name))));
  if (signs.some(Boolean)) return;
  throw new SwarmError(
    'not-found',
    `${stateDir} holds no state of a swarm.`,
    'Name the state folder with --state-dir, or in SWARM_STATE_DIR.',
  );
};

/** Where copies of the state of a swarm that runs are made: on its disk, so that segments need no room. */
export const COPIES_FOLDER = '.backup';

const inUse = (stateDir: string, by: string): SwarmError =>
  new SwarmError(
    'conflict',
    `The state in ${stateDir} is in use by ${by}.`,
    'Stop the swarm (Ctrl-C where it runs) and ask again: a copy of files that change fits nowhere together.',
  );

/**
 * Does something with a state folder that no process uses meanwhile: the folder is locked, and so are those of the
 * parts in it, which may run without a supervisor.
 *
 * @param work is given the format of the state
 * @throws SwarmError not-found where there is no state; conflict while a process uses it, or where a newer release wrote it
 */
export const withStoppedState = async <T>(
  stateDir: string,
  work: (stateFormat: number) => Promise<T>,
): Promise<T> => {
  await requireState(stateDir);
  const locks: FolderLock[] = [];
  const lock = async (folder: string, what: string): Promise<void> => {
    const held = await lockFolder(folder, 'backup').catch((error: unknown) => {
      throw error instanceof SwarmError && error.code === 'conflict' ? inUse(stateDir, what) : error;
    });
    locks.push(held);
  };
  try {
    await lock(stateDir, 'a swarm that runs');
    // Databases hold no lock of ours, and outlive a supervisor that was killed.
    const running = runningOn(stateDir);
    if (running.length > 0) throw inUse(stateDir, running.join(', '));
    for (const folder of await foldersOfParts(stateDir))
      if (await exists(join(stateDir, folder))) await lock(join(stateDir, folder), `its ${folder}`);
    return await work(await requireKnownFormat(stateDir));
  } finally {
    for (const held of locks) await held.release();
  }
};

/** What etcd makes ready for its next segment: 64 MiB, the longest part of a copy. It makes it anew. */
const ETCD_SPARE = /^replicas\/etcd-\d+\/member\/wal\/\d+\.tmp$/;

/** Made anew by every start, or of no use later: logs, who runs what, locks, copies, and what a write left half done. */
const isLeftOut = (path: string, isFile: boolean): boolean =>
  path === 'logs' ||
  ETCD_SPARE.test(path) ||
  path === COPIES_FOLDER ||
  path === 'influx/influxdb.conf' ||
  (isFile && (path === 'run.json' || /(^|\/)\.lock$|\.new$/.test(path)));

/** What a backup keeps of a state folder, as paths below it. Links are followed: a part's folder may be elsewhere. */
export const filesToKeep = async (stateDir: string): Promise<{ directories: string[]; files: string[] }> => {
  const directories: string[] = [];
  const files: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const name of (await readdir(join(stateDir, below))).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const entry = await stat(join(stateDir, path));
      if (isLeftOut(path, entry.isFile())) continue;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory()) {
        directories.push(path);
        await walk(path);
      }
    }
  };
  await walk('');
  return { directories, files };
};
