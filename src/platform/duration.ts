import ms from 'ms';
import { SwarmError } from '../domain';

/** No duration that anybody asks for here is longer than a year. */
const MOST_SECONDS = 366 * 86_400;
const MS_PER_SECOND = 1_000;

/**
 * Reads a duration as people write it: `500ms`, `30s`, `2m`, `1.5h`, `2 days`, or a bare number of seconds.
 * @param options.leastSeconds the shortest that will do; default: anything above 0
 * @returns seconds, above 0 and at most a year
 * @throws SwarmError bad-request
 */
export const parseDurationSeconds = (text: string, options: { leastSeconds?: number } = {}): number => {
  const seconds = secondsOf(text.trim());
  const { leastSeconds = 0 } = options;
  if (seconds > 0 && seconds >= leastSeconds && seconds <= MOST_SECONDS) return seconds;
  const bound = leastSeconds > 0 ? ` of ${leastSeconds} s or more` : '';
  throw new SwarmError('bad-request', `"${text}" is no duration${bound}.`, 'Write it as 30s, 2m or 1h.');
};

/** NaN for what is no duration. */
const secondsOf = (text: string): number => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  try {
    return (ms(text) ?? NaN) / MS_PER_SECOND;
  } catch {
    return NaN;
  }
};
