import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fieldsOfStat } from './process-stat';

/** Names one process for good: a pid alone may belong to somebody else after a while. */
export interface ProcessIdentity {
  pid: number;
  /** When it began, in whatever unit the system counts; only compared for equality. */
  began: string;
}

/** Field 22 of /proc/<pid>/stat, see proc(5). */
const beganOnLinux = (stat: string): string | null => {
  const fields = fieldsOfStat(stat);
  const [state] = fields;
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
};

const beganOf = (pid: number): string | null => {
  if (process.platform === 'linux') {
    try {
      return beganOnLinux(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return null;
    }
  }
  try {
    const began = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return began || null;
  } catch {
    return null;
  }
};

/** Identity of a living process, or null. */
export const identityOf = (pid: number): ProcessIdentity | null => {
  const began = beganOf(pid);
  return began === null ? null : { pid, began };
};

/** Whether this very process still lives. */
export const isAlive = (identity: ProcessIdentity): boolean => beganOf(identity.pid) === identity.began;

/**
 * Sends a signal to a process group that we lead; false where it is gone.
 * Every part leads a group of its own, so its ffmpeg processes go with it.
 */
export const signalGroup = (leaderPid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(-leaderPid, signal);
    return true;
  } catch {
    return false;
  }
};
