import { readFileSync, readdirSync } from 'node:fs';
import { fieldsOfStat } from '../../src/platform/processes/process-stat';

/** Process ids of a process's children, from /proc. */
export const childrenOf = (parentPid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(fieldsOfStat(readFileSync(`/proc/${name}/stat`, 'utf8'))[1]) === parentPid;
      } catch {
        return false;
      }
    })
    .map(Number);
