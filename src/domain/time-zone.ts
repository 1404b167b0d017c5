import { z } from 'zod';
import { SwarmError } from './errors';

const known = new Map<string, boolean>();

/** Whether the IANA database of the runtime has a time zone of this name. */
export const isTimeZone = (name: string): boolean => {
  const before = known.get(name);
  if (before !== undefined) return before;
  let is = true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    is = false;
  }
  known.set(name, is);
  return is;
};

const USE = 'use a name of the IANA time zone database, such as Europe/Berlin';

/** Has the form of a name: which names there are, no schema of an API can say. */
export const timeZoneSchema = z
  .string()
  .regex(/^[A-Za-z0-9_+/-]{1,64}$/, USE)
  .describe(
    'IANA time zone by whose clock the audience lives, such as Europe/Berlin; absent: that of its region',
  );

export const knownTimeZoneSchema = timeZoneSchema.refine(isTimeZone, USE);

/** @throws SwarmError conflict for a time zone that there is none of */
export const requireTimeZone = ({ timeZone }: { timeZone?: string | undefined }): void => {
  if (timeZone === undefined || isTimeZone(timeZone)) return;
  throw new SwarmError(
    'conflict',
    `There is no time zone ${timeZone}.`,
    'Use a name of the IANA time zone database, such as Europe/Berlin.',
  );
};
