import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait between attempts: the first pause, and the longest one. Milliseconds. */
export interface RetryPauses {
  firstMs: number;
  longestMs: number;
}

/**
 * The pauses between attempts at one thing: doubled with each failure in a row up to the longest, and begun again
 * after a success. No jitter: the parts that retry here are few, and a run must repeat.
 */
export class Backoff {
  private failures = 0;

  constructor(private readonly pauses: RetryPauses) {}

  /** Milliseconds to wait before the next attempt, after one that failed. */
  nextMs(pauses: RetryPauses = this.pauses): number {
    const { firstMs, longestMs } = pauses;
    const pauseMs = Math.min(longestMs, firstMs * 2 ** this.failures);
    this.failures += 1;
    return pauseMs;
  }

  /** An attempt succeeded. */
  reset(): void {
    this.failures = 0;
  }
}

/** Waits, or less long if the signal is aborted; never throws. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
};

export interface RetryOptions extends RetryPauses {
  /** A failure after this many milliseconds is the last one; without it, there is no end. */
  patienceMs?: number;
  /** Whether a failure is worth another attempt; without it, each is. */
  isTransient?: (error: unknown) => boolean;
  /** Called with each failure after which it tries again. */
  onRetry?: (error: unknown, pauseMs: number) => void;
  /** Ends the waiting at once. */
  signal?: AbortSignal;
}

/**
 * Repeats `attempt` until it succeeds.
 *
 * @throws the last failure: one that is not transient, that came after `patienceMs`, or once the signal is aborted
 */
export const retried = async <T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { patienceMs = Infinity, isTransient = () => true, onRetry, signal } = options;
  const backoff = new Backoff(options);
  const startedAtMs = performance.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isLast = !isTransient(error) || performance.now() - startedAtMs > patienceMs;
      if (isLast || signal?.aborted) throw error;
      const pauseMs = backoff.nextMs();
      onRetry?.(error, pauseMs);
      await pause(pauseMs, signal);
      if (signal?.aborted) throw error;
    }
  }
};
