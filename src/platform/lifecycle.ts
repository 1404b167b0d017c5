import type { Logger } from './logger';

/**
 * What is printed besides the log, such as a warning of Node.js, must not end the process because nobody reads it or
 * the disk is full: without a listener the error of a standard stream counts as uncaught.
 */
export const outliveStandardStreams = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
};

/** What the swarm writes nobody else may write, whatever umask it was started with. */
export const keepFilesOwn = (): void => {
  process.umask(process.umask() | 0o022);
};

/**
 * Runs a part as a process: starts it, then on SIGTERM, SIGINT or SIGHUP stops it once and exits 0.
 * A start that fails, or an error that nobody caught, is logged and ends the process with 1.
 */
export const runPart = (log: Logger, start: () => Promise<{ stop(): Promise<void> }>): void => {
  outliveStandardStreams();
  keepFilesOwn();
  let stopping = false;
  const fail = (error: unknown): void => {
    try {
      log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    } finally {
      // Whatever an error's own text does: nothing may keep the process from ending.
      process.exit(1);
    }
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  start().then((part) => {
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      const limit = setTimeout(() => process.exit(1), 10_000);
      limit.unref();
      part.stop().then(() => process.exit(0), fail);
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  }, fail);
};
