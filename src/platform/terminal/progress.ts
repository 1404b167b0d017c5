import { SingleBar } from 'cli-progress';

const TICK_MS = 500;

/**
 * Shows people at a terminal how far a verification is: first the time that live playlists are followed, then the
 * playlists decoded. Nothing in pipes.
 */
export const createVerifyProgress = (options: {
  hidden: boolean;
  followSeconds: number;
}): { onProgress: (done: number, total: number) => void; stop: () => void } => {
  if (options.hidden || !process.stderr.isTTY) return { onProgress: () => undefined, stop: () => undefined };
  const create = (format: string): SingleBar =>
    new SingleBar({ format, hideCursor: true, stream: process.stderr });
  const follow = create('Following  [{bar}] {value} of {total} s');
  const verify = create('Verifying  [{bar}] {value} of {total} playlists, {duration_formatted}');
  const startedAtMs = Date.now();
  let ticker: NodeJS.Timeout | undefined;
  if (options.followSeconds > 0) {
    follow.start(Math.round(options.followSeconds), 0);
    ticker = setInterval(() => follow.update(Math.round((Date.now() - startedAtMs) / 1000)), TICK_MS);
  }
  const stopFollowing = (): void => {
    clearInterval(ticker);
    if (ticker) follow.stop();
    ticker = undefined;
  };
  return {
    onProgress: (done, total) => {
      stopFollowing();
      if (!verify.isActive) verify.start(total, 0);
      verify.update(done);
    },
    stop: () => {
      stopFollowing();
      if (verify.isActive) verify.stop();
    },
  };
};

/** Shows people at a terminal how much of a long calculation is done. Nothing in pipes. */
export const createCountProgress = (options: {
  hidden: boolean;
  format: string;
}): { onProgress: (done: number, total: number) => void; stop: () => void } => {
  if (options.hidden || !process.stderr.isTTY) return { onProgress: () => undefined, stop: () => undefined };
  const bar = new SingleBar({ format: options.format, hideCursor: true, stream: process.stderr });
  return {
    onProgress: (done, total) => {
      if (!bar.isActive) bar.start(total, 0);
      bar.update(done);
      // The calculation holds the event loop: the bar's own timer would never come to draw.
      bar.updateETA();
      bar.render();
    },
    stop: () => {
      if (bar.isActive) bar.stop();
    },
  };
};
