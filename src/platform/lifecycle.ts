import type { Logger } from './logger';

/**
 * Runs a part as a process: starts it, then on SIGTERM or SIGINT stops it once and exits 0.
 * A start that fails, or an error that nobody caught, is logged and ends the process with 1.
 */
export const runPart = (log: Logger, start: () => Promise<{ stop(): Promise<void> }>): void => {
  let stopping = false;
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    process.exit(1);
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
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  }, fail);
};
