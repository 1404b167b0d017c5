import { setTimeout as sleep } from 'node:timers/promises';

/** A slice of work, as long as a handful of answers take. */
const SLICE_MS = 2;
const PAUSE_MS = 4;

/**
 * Uses so much of a core and does nothing else, until the signal: what a crowd's own process takes of the machine, without
 * the crowd. What it could not get on a full machine it makes up for, as a crowd does that has fallen behind.
 */
export const burn = async (cores: number, signal: AbortSignal): Promise<void> => {
  const before = process.cpuUsage();
  const beganAtMs = performance.now();
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  while (!signal.aborted) {
    while (usedMs() < cores * (performance.now() - beganAtMs)) {
      const sliceEndsMs = performance.now() + SLICE_MS;
      while (performance.now() < sliceEndsMs);
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return;
    }
    await sleep(PAUSE_MS);
  }
};
