import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SwarmError } from '../domain';
import { storageRefusal } from '../platform/durable-file';
import { lockFolder } from '../platform/folder-lock';
import { runOn, type RunningProcesses } from '../platform/processes/run-record';
import { standsStill } from '../platform/processes/stand-still';
import { COPIES_FOLDER, filesToKeep } from './stopped-state';

/** A process in the midst of a write to a slow disk stands still when that is done. */
const STANDS_STILL_WITHIN_MS = 5_000;
const LOOK_MS = 5;
/** Whatever becomes of this process, the swarm goes on after this. */
const GOES_ON_AFTER_SECONDS = 30;

/** Files that are never changed under their name: a second name for them is a copy. */
const NEVER_CHANGED = /^((replicas\/[^/]+\/)?origin\/[^/]+\/gops\/\d+\.ts|influx\/data\/.+\.tsm)$/;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A copy of a state folder, as all of it was at one moment. */
export interface FrozenCopy {
  directory: string;
  /** How long all processes of the swarm stood still for it. */
  stoodStillMs: number;
}

/**
 * Copies the state of a swarm that runs on this machine: all of its processes stand still (SIGSTOP) meanwhile, so that
 * the copy is what a kill of all of them at one moment would have left. They go on when it is made, or could not be.
 *
 * @param work is given the copy, which is deleted afterwards
 * @throws SwarmError unavailable where the processes can't be made to stand still; storage-full; conflict while another
 *   backup is being made
 */
export const withFrozenCopy = async <T>(
  stateDir: string,
  work: (copy: FrozenCopy) => Promise<T>,
): Promise<T> => {
  const copies = join(stateDir, COPIES_FOLDER);
  const lock = await lockFolder(copies, 'backup');
  const directory = join(copies, randomUUID());
  try {
    // What a backup left that was killed.
    for (const left of await readdir(copies))
      if (left !== '.lock') await rm(join(copies, left), { recursive: true, force: true });
    const stoodStillMs = await whileAllStandStill(stateDir, () => copyAll(stateDir, directory));
    return await work({ directory, stoodStillMs });
  } finally {
    await rm(directory, { recursive: true, force: true });
    await lock.release();
  }
};

const copyAll = async (stateDir: string, to: string): Promise<void> => {
  try {
    const { directories, files } = await filesToKeep(stateDir);
    for (const path of ['', ...directories]) await mkdir(join(to, path), { recursive: true });
    for (const path of files) await copyOne(path, join(stateDir, path), join(to, path));
  } catch (error) {
    throw storageRefusal(error, `a copy of the state in ${to}`) ?? error;
  }
};

const copyOne = async (path: string, from: string, to: string): Promise<void> => {
  if (NEVER_CHANGED.test(path)) {
    const isLinked = await link(from, to).then(
      () => true,
      () => false,
    );
    if (isLinked) return;
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
};

/** @returns milliseconds for which they stood still */
const whileAllStandStill = async (stateDir: string, work: () => Promise<void>): Promise<number> => {
  const stopped = new Set<number>();
  const guards: (() => void)[] = [];
  const goOn = (): void => {
    for (const pid of stopped) signal(pid, 'SIGCONT');
    stopped.clear();
    for (const end of guards.splice(0)) end();
  };
  const interrupted = (): void => {
    goOn();
    process.exit(1);
  };
  const standStill = async (pids: readonly number[]): Promise<void> => {
    guards.push(guardOf(pids));
    for (const pid of pids) {
      stopped.add(pid);
      signal(pid, 'SIGSTOP');
    }
    const endMs = performance.now() + STANDS_STILL_WITHIN_MS;
    while (!pids.every(standsStill)) {
      if (performance.now() > endMs) throw doesNotStandStill();
      await sleep(LOOK_MS);
    }
  };
  for (const name of SIGNALS) process.once(name, interrupted);
  const beganMs = performance.now();
  try {
    // First the one that starts the others: from then on there are no new ones.
    await standStill([requireRun(stateDir).supervisor.pid]);
    await standStill(Object.values(requireRun(stateDir).parts).map(({ pid }) => pid));
    await work();
  } finally {
    goOn();
    for (const name of SIGNALS) process.off(name, interrupted);
  }
  return Math.round(performance.now() - beganMs);
};

const requireRun = (stateDir: string): RunningProcesses => {
  const run = runOn(stateDir);
  if (run) return run;
  throw new SwarmError('unavailable', `The swarm on ${stateDir} has just changed.`, 'Ask again.');
};

const doesNotStandStill = (): SwarmError =>
  new SwarmError(
    'unavailable',
    'The processes of the swarm do not stand still, so that no copy of its state would fit together.',
    'Ask again, as the user who runs the swarm; or stop the swarm first.',
  );

/** A process that has ended meanwhile writes nothing. */
const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Has processes go on after a while even if this one is killed. @returns ends that */
const guardOf = (pids: readonly number[]): (() => void) => {
  const guard = spawn('/bin/sh', ['-c', `sleep ${GOES_ON_AFTER_SECONDS}; kill -CONT ${pids.join(' ')}`], {
    detached: true,
    stdio: 'ignore',
  });
  guard.on('error', () => undefined).unref();
  return () => {
    if (guard.pid !== undefined) signal(-guard.pid, 'SIGKILL');
  };
};
