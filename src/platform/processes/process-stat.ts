import { readFile } from 'node:fs/promises';

/** Clock ticks per second of /proc/<pid>/stat (USER_HZ): 100 on every Linux that Node runs on. */
const CLOCK_TICKS_PER_SECOND = 100;

/** What /proc/<pid>/stat says of a process; see proc(5). */
export interface ProcessStat {
  /** Process id of the leader of its session. */
  session: number;
  /** CPU time, user and system together. */
  cpuSeconds: number;
  /** The same of its children that have ended and were waited for. */
  endedChildrenCpuSeconds: number;
}

/** The fields of a `/proc/<pid>/stat` from the third on, the state. The second, in brackets, may hold spaces and brackets. */
export const fieldsOfStat = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

/** Null once the process is gone, and where there is no /proc. */
export const readProcessStat = async (pid: number): Promise<ProcessStat | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (stat === null) return null;
  const fields = fieldsOfStat(stat);
  const seconds = (user: number, system: number): number =>
    (Number(fields[user]) + Number(fields[system])) / CLOCK_TICKS_PER_SECOND;
  return {
    session: Number(fields[3]),
    cpuSeconds: seconds(11, 12),
    endedChildrenCpuSeconds: seconds(13, 14),
  };
};
