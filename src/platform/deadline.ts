import { SwarmError } from '../domain';
import { systemClock, type Clock } from './clock';

/** `what` names who was asked, for the message. @throws SwarmError timeout when `work` has not settled in time. Its late result is dropped. */
export const withinDeadline = async <T>(
  what: string,
  deadlineMs: number,
  work: Promise<T>,
  clock: Clock = systemClock,
): Promise<T> => {
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(deadlineMs, () =>
      reject(new SwarmError('timeout', `${what} did not answer within ${deadlineMs} ms.`)),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel?.();
  }
};

/** What was asked for, or null if it fails or takes longer: for inputs that a decision can do without. */
export const withinOrNull = <T>(deadlineMs: number, work: Promise<T>): Promise<T | null> =>
  withinDeadline('A part', deadlineMs, work).catch(() => null);
