import { setTimeout as sleep } from 'node:timers/promises';

/** Later than this the clock is set anew (the machine slept): frames are not dropped, only shown later. */
const MAX_LATE_MS = 5_000;

/**
 * Calls `send` once per frame of a clock of `framesPerSecond`, counted from 0, until the signal is aborted. The
 * clock does not drift: a frame that is late is followed by the next ones at once until they are on time again.
 * `send` settles when the next frame may be made. Resolves when aborted.
 * @throws whatever `send` throws
 */
export const paceFrames = async (
  framesPerSecond: number,
  signal: AbortSignal,
  send: (frame: number) => Promise<void>,
): Promise<void> => {
  let startedAt = performance.now();
  for (let frame = 0; !signal.aborted; frame++) {
    const earlyMs = startedAt + (frame * 1000) / framesPerSecond - performance.now();
    if (earlyMs < -MAX_LATE_MS) startedAt -= earlyMs;
    if (earlyMs > 0) {
      try {
        await sleep(earlyMs, undefined, { signal });
      } catch {
        return;
      }
    }
    await send(frame);
  }
};
