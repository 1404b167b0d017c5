import pino, { type Logger } from 'pino';
import { redacted } from '../domain/redact';
import { LogDestination } from './log-destination';

export type { Logger };

const STANDARD_OUTPUT = 1;

/**
 * JSON lines on standard output, one logger a process. Level from SWARM_LOG_LEVEL. Logging never throws, also where
 * there is no room for a line ([decision 0022](../../docs/decisions/0022-logs-that-never-throw.md)).
 * @param fd where to write instead
 */
export const createLogger = (part: string, fd = STANDARD_OUTPUT): Logger => {
  const base = { part, pid: process.pid };
  const notice = (dropped: number, cause: string): string => {
    const record = {
      level: pino.levels.values.warn,
      time: new Date().toISOString(),
      ...base,
      dropped,
      cause,
    };
    return `${JSON.stringify({ ...record, msg: `${dropped} log lines were dropped, as they could not be written` })}\n`;
  };
  return pino(
    {
      level: process.env.SWARM_LOG_LEVEL ?? 'info',
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Logs are what people post when they ask for help.
      hooks: { streamWrite: redacted },
    },
    new LogDestination({ fd, notice }),
  );
};
