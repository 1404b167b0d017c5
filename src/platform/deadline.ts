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

/**
 * A signal that is aborted after so long, or by one of those that are given. Whoever makes one ends it with the work that it
 * bounds. AbortSignal.any of AbortSignal.timeout is no such thing: on Node 20 a garbage collection takes that deadline away
 * (nodejs/node#57736), and each one leaves something behind at a signal that lives long.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly outer: readonly AbortSignal[];
  private readonly timer: NodeJS.Timeout;
  private passed = false;

  constructor(ms: number, ...outer: readonly (AbortSignal | undefined)[]) {
    this.outer = outer.filter((signal) => signal !== undefined);
    this.timer = setTimeout(() => {
      this.passed = !this.signal.aborted;
      this.controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    }, ms);
    for (const signal of this.outer) {
      if (signal.aborted) this.controller.abort(signal.reason);
      else signal.addEventListener('abort', this.follow, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** It was the time that ended the work. */
  get hasPassed(): boolean {
    return this.passed;
  }

  /** The work has ended: nothing aborts the signal any more. */
  end(): void {
    clearTimeout(this.timer);
    for (const signal of this.outer) signal.removeEventListener('abort', this.follow);
  }

  private readonly follow = ({ target }: Event): void => {
    this.controller.abort((target as AbortSignal).reason);
  };
}

/** What was asked for, or null if it fails or takes longer: for inputs that a decision can do without. */
export const withinOrNull = <T>(deadlineMs: number, work: Promise<T>): Promise<T | null> =>
  withinDeadline('A part', deadlineMs, work).catch(() => null);
