import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const beganOf = (pid) => {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19];
  } catch {
    return null;
  }
};

/** Whether the very process that is written in run.json still lives; see src/platform/processes/process-identity.ts. */
export const isAlive = ({ pid, began }) => beganOf(pid) === began;
