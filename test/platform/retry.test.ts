import { Backoff, pause, retried } from '../../src/platform/retry';

const failing = (times: number, error: Error = new Error('away')) => {
  let attempts = 0;
  return {
    attempt: (): Promise<string> => {
      attempts += 1;
      return attempts > times ? Promise.resolve('answer') : Promise.reject(error);
    },
    attempts: () => attempts,
  };
};

describe('Backoff', () => {
  test('doubles the pause up to the longest, and begins again after a success', () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 500 });
    expect([1, 2, 3, 4, 5].map(() => backoff.nextMs())).toEqual([100, 200, 400, 500, 500]);
    backoff.reset();
    expect(backoff.nextMs()).toBe(100);
  });

  test('other pauses for another kind of failure go on from the same count', () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 1_000 });
    backoff.nextMs();
    expect(backoff.nextMs({ firstMs: 1_000, longestMs: 30_000 })).toBe(2_000);
  });
});

describe('retried', () => {
  test('answers what the first attempt that succeeds answers, and tells of the others', async () => {
    const pauses: number[] = [];
    const part = failing(3);
    const options = { firstMs: 1, longestMs: 3, onRetry: (_: unknown, ms: number) => pauses.push(ms) };
    await expect(retried(part.attempt, options)).resolves.toBe('answer');
    expect(pauses).toEqual([1, 2, 3]);
  });

  test('a failure that is not transient is thrown at once', async () => {
    const part = failing(3);
    const options = { firstMs: 60_000, longestMs: 60_000, isTransient: () => false };
    await expect(retried(part.attempt, options)).rejects.toThrow('away');
    expect(part.attempts()).toBe(1);
  });

  test('a failure after the patience is the last one', async () => {
    const part = failing(Infinity);
    await expect(retried(part.attempt, { firstMs: 4, longestMs: 4, patienceMs: 1 })).rejects.toThrow('away');
    expect(part.attempts()).toBe(2);
  });

  test('an abort ends a pause of a minute at once, without another attempt', async () => {
    const part = failing(Infinity);
    const stopping = new AbortController();
    const options = { firstMs: 60_000, longestMs: 60_000, signal: stopping.signal };
    const ended = retried(part.attempt, { ...options, onRetry: () => setImmediate(() => stopping.abort()) });
    await expect(ended).rejects.toThrow('away');
    expect(part.attempts()).toBe(1);
  });
});

test('a pause with a signal that is aborted already does not wait', async () => {
  await expect(pause(60_000, AbortSignal.abort())).resolves.toBeUndefined();
});
