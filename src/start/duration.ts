import { SwarmError } from '../domain';

export const SHORTEST_RUN_SECONDS = 60;
const SECONDS_PER_UNIT: Record<string, number> = { s: 1, m: 60, h: 3_600 };

/** Reads a duration such as 60s, 2m or 1h. @returns seconds @throws SwarmError bad-request, also below 60 s */
export const parseDuration = (text: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([smh])$/.exec(text.trim()) ?? [];
  const seconds = Number(amount) * (SECONDS_PER_UNIT[unit ?? ''] ?? NaN);
  if (seconds >= SHORTEST_RUN_SECONDS) return seconds;
  throw new SwarmError(
    'bad-request',
    `--duration "${text}" is no duration of ${SHORTEST_RUN_SECONDS} s or more.`,
    'Write it as 60s, 2m or 1h.',
  );
};
