import { InvalidArgumentError } from 'commander';
import { z } from 'zod';

const withOffset = z.iso.datetime({ offset: true });

/** ISO 8601 with an offset or Z, as wall-clock milliseconds. @throws InvalidArgumentError */
export const parseTime = (text: string): number => {
  if (withOffset.safeParse(text).success) return Date.parse(text);
  throw new InvalidArgumentError('Write a time like 2026-12-01T19:00:00Z or 2026-12-01T20:00:00+01:00.');
};
