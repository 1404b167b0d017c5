import { readFileSync } from 'node:fs';
import {
  identityOf,
  isAlive,
  signalGroup,
  type ProcessIdentity,
} from '../../src/platform/processes/process-identity';
import { childrenOf } from '../lib/kills';

/** ffmpeg processes that encode for an encoder host. */
export const ffmpegsOf = (hostPid: number): number[] =>
  childrenOf(hostPid).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('ffmpeg');
    } catch {
      return false;
    }
  });

/**
 * Stops a process, alone or with its whole group.
 * @returns lets it go on; does nothing to another process that has got its id by then
 */
export const stopProcess = (pid: number, whole: boolean): (() => void) => {
  const identity: ProcessIdentity | null = identityOf(pid);
  const send = (signal: NodeJS.Signals): void => {
    if (!identity || !isAlive(identity)) return;
    if (whole) signalGroup(pid, signal);
    else process.kill(pid, signal);
  };
  send('SIGSTOP');
  return () => send('SIGCONT');
};
