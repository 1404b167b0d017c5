import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const LIMIT_MS = 20_000;

/** Asks until the answer satisfies; fails after the limit with `what` was waited for. */
export const untilAnswer = async <T>(
  what: string,
  ask: () => T | Promise<T>,
  satisfies: (answer: T) => boolean,
  limitMs = LIMIT_MS,
): Promise<T> => {
  const startedAtMs = performance.now();
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (performance.now() - startedAtMs > limitMs)
      throw new Error(`Not within ${limitMs} ms: ${what}. Last answer: ${JSON.stringify(answer)}`);
    await sleep(POLL_MS);
  }
};

/** Waits until something holds that others bring about; fails after the limit with its name. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs?: number,
): Promise<void> => {
  await untilAnswer(what, holds, (holding) => holding, limitMs);
};

/** Looks until something is there, and answers it. */
export const eventually = async <T>(
  look: () => Promise<T | undefined | false>,
  limitMs?: number,
): Promise<T> => {
  const seen = await untilAnswer('something to be seen', look, Boolean, limitMs);
  return seen as T;
};
