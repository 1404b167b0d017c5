import { spawn } from 'node:child_process';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../domain';
import { makeDirectoryDurably } from './durable-file';

const recordSchema = z.object({
  holder: z.string(),
  pid: z.int().positive(),
  host: z.string(),
  sinceMs: z.number(),
  epoch: z.int().min(0),
});
type LockRecord = z.infer<typeof recordSchema>;

/** A name that no channel can have. */
const LOCK_FILE = '.lock';
/** Overwritten in place, so that a full disk does not refuse it. */
const RECORD_BYTES = 512;
/** Exit status that `flock` is asked to give when another process has the lock. */
const TAKEN = 75;

export interface FolderLock {
  /** Counts who held the folder before, plus one. */
  readonly epoch: number;
  /** @throws SwarmError conflict if the lock file was removed or replaced: another process may have the folder now */
  assertHeld(): Promise<void>;
  /** Gives the folder free. The end of the process does so too, however it comes. */
  release(): Promise<void>;
}

/**
 * Makes this process the only one that uses a folder, for as long as it lives: flock(2) on `<directory>/.lock`, which
 * the kernel gives free when the process ends, and which holds across containers that share the folder on one host.
 *
 * @param holder who asks, such as `origin`, for the message of the next one
 * @throws SwarmError conflict, with the process that has it; unavailable if the folder can't be locked
 */
export const lockFolder = async (directory: string, holder: string): Promise<FolderLock> => {
  await makeDirectoryDurably(directory);
  const path = join(directory, LOCK_FILE);
  const file = await open(path, 'a+').then(async (made) => {
    await made.close();
    return open(path, 'r+');
  });
  try {
    if (!(await flock(file))) throw takenBy(directory, await readRecord(file));
    const epoch = ((await readRecord(file))?.epoch ?? 0) + 1;
    const record = { holder, pid: process.pid, host: hostname(), sinceMs: Date.now(), epoch };
    // For those who are refused; the lock holds without it, also where the disk is full.
    await file.write(`${JSON.stringify(record).padEnd(RECORD_BYTES - 1)}\n`, 0).catch(() => undefined);
    const { dev, ino } = await file.stat();
    return {
      epoch,
      assertHeld: async () => {
        const now = await stat(path).catch(() => null);
        if (now?.dev === dev && now.ino === ino) return;
        throw new SwarmError(
          'conflict',
          `${path} was removed or replaced while this ${holder} held it: another one may use ${directory}.`,
          `Stop both, and start one. Never remove ${LOCK_FILE}: it is free as soon as its process has ended.`,
        );
      },
      release: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
};

/**
 * Node.js has no flock(2). The lock belongs to the open file, not to who asked for it: `flock` of util-linux takes it
 * on the file that it inherits, and it stays with this process when the command has ended.
 */
const flock = (file: FileHandle): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const command = spawn('flock', ['-n', '-E', String(TAKEN), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    });
    command.once('error', (error) => reject(cannotLock(error.message)));
    command.once('exit', (code) => {
      if (code === 0) resolve(true);
      else if (code === TAKEN) resolve(false);
      else reject(cannotLock(`flock ended with ${code}`));
    });
  });

const cannotLock = (why: string): SwarmError =>
  new SwarmError(
    'unavailable',
    `The state folder can't be locked: ${why}.`,
    'Install util-linux, and keep the state on a file system that knows flock.',
  );

const readRecord = async (file: FileHandle): Promise<LockRecord | null> => {
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(RECORD_BYTES), 0, RECORD_BYTES, 0);
    return recordSchema.parse(JSON.parse(buffer.toString('utf8', 0, bytesRead)));
  } catch {
    return null;
  }
};

const takenBy = (directory: string, record: LockRecord | null): SwarmError =>
  new SwarmError(
    'conflict',
    record
      ? `${directory} is in use by the ${record.holder} of process ${record.pid} on ${record.host}, since ` +
          `${new Date(record.sinceMs).toISOString()}.`
      : `${directory} is in use by another process.`,
    'Stop that one first, or give this one a state folder of its own (SWARM_STATE_DIR, or --state-dir).',
  );
