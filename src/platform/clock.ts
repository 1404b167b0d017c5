/**
 * Milliseconds since some moment, for how long something takes or has been so: the wall clock may be set by a day
 * meanwhile, in either direction.
 */
export const monotonicMs = (): number => performance.now();

/** Time as a part of the program sees it, so that a test can hand in its own. */
export interface Clock {
  /** Milliseconds since 1970; of the monotonic clock, since some moment. */
  now(): number;
  /** Runs something later. @returns takes it back, if it did not run yet. */
  after(delayMs: number, run: () => void): () => void;
}

const after: Clock['after'] = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

export const systemClock: Clock = { now: () => Date.now(), after };

/** For those who only measure how long something takes: see monotonicMs. */
export const monotonicClock: Clock = { now: monotonicMs, after };
