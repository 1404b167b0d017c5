import pino, { type Logger } from 'pino';

export type { Logger };

/** JSON lines on standard output, one logger a process. Level from SWARM_LOG_LEVEL. */
export const createLogger = (part: string): Logger =>
  pino({
    level: process.env.SWARM_LOG_LEVEL ?? 'info',
    base: { part, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
