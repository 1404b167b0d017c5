import { standsStill } from '../../src/platform/processes/stand-still';
import { until } from './until';

/** Stops a process (SIGSTOP); resolves when none of its threads runs any more: until then it may go on to answer. */
export const suspend = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGSTOP');
  await until(`process ${pid} stands still`, () => standsStill(pid));
};
