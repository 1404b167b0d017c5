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
