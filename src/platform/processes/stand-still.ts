import { readFileSync, readdirSync } from 'node:fs';
import { fieldsOfStat } from './process-stat';

/**
 * Whether all threads of a process are stopped; also of one that has ended. A signal is sent before it works: a thread on
 * another core may go on for a moment.
 */
export const standsStill = (pid: number): boolean => {
  const stateOf = (stat: string): string => fieldsOfStat(stat)[0] ?? '';
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      ['T', 't', 'Z', 'X'].includes(stateOf(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'))),
    );
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && !isThere(pid);
  }
};

const isThere = (pid: number): boolean => {
  try {
    readdirSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
};
