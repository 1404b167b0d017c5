import { SwarmError } from '../domain';

/**
 * InfluxDB keeps the type that a field was first written with, for as long as a shard lasts (a day): who writes a whole
 * number first (`viewers=1200i`) has it refuse every fraction after that.
 */
export interface FieldConflict {
  measurement: string;
  field: string;
  /** The type that is kept, in InfluxDB's words. */
  kept: string;
}

const CONFLICT = /field "([^"]+)" on measurement "([^"]+)" is type \w+, already exists as type (\w+)/;

/** The conflict that InfluxDB's refusal tells of; of several it names one. */
export const fieldConflictIn = (message: string): FieldConflict | null => {
  const [, field, measurement, kept] = CONFLICT.exec(message.replaceAll('\\"', '"')) ?? [];
  return field && measurement && kept ? { field, measurement, kept } : null;
};

/** Counts lose nothing that matters when they are rounded, so that they can be written as whole numbers too. */
export const isCount = (measurement: string, field: string): boolean =>
  measurement === 'audience' && field === 'viewers';

export const refusalOfConflict = ({ measurement, field, kept }: FieldConflict): SwarmError =>
  new SwarmError(
    'bad-request',
    `InfluxDB keeps ${field} of ${measurement} as ${kept}, as it was first written today, and refuses all else.`,
    `Have whoever writes it keep to docs/reference/measurements.md (no "i" after the number). What is refused until ` +
      `midnight UTC can be saved by removing what is there: DROP MEASUREMENT "${measurement}".`,
  );
