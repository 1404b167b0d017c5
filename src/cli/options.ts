import { InvalidArgumentError } from 'commander';
import { SwarmError } from '../domain';
import { parseDurationSeconds } from '../platform/duration';

/** Argument parser of an option that takes a duration, in seconds. @throws InvalidArgumentError */
export const durationOption =
  (o: { leastSeconds?: number } = {}) =>
  (text: string): number => {
    try {
      return parseDurationSeconds(text, o);
    } catch (error) {
      if (error instanceof SwarmError) throw new InvalidArgumentError(`${error.message} ${error.mend ?? ''}`);
      throw error;
    }
  };
