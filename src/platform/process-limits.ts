import { readFileSync } from 'node:fs';

/** Limits of a process as Linux names them. */
export type ProcessLimit = 'open files' | 'address space' | 'file size' | 'cpu time';

/** What this process may have at most, and gives to those that it starts; Infinity where there is no bound, or none is told. */
export const hardLimit = (limit: ProcessLimit, file = '/proc/self/limits'): number => {
  try {
    const line = new RegExp(String.raw`^Max ${limit}\s+\S+\s+(\d+)`, 'm');
    return Number(line.exec(readFileSync(file, 'utf8'))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
};

/** Of a listener: generous to a busy swarm, and far from what a process may have open on most machines. */
export const MOST_CONNECTIONS = 4_096;
/** A part has two listeners at most, and reads a file for many a connection. The rest is for what it writes. */
const SHARE_OF_LISTENER = 1 / 4;

/** Connections of a listener that leave a process with so many open files enough to do its work. */
export const connectionsWithin = (openFiles: number): number =>
  Math.min(MOST_CONNECTIONS, Math.floor(openFiles * SHARE_OF_LISTENER));
