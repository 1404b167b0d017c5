import { InvalidArgumentError } from 'commander';
import { SwarmError } from '../domain';
import { parseDurationSeconds } from '../platform/duration';

/** Argument parser of an option that takes a duration, in seconds. @throws InvalidArgumentError */
export const durationOption =
  (options: { leastSeconds?: number } = {}) =>
  (text: string): number => {
    try {
      return parseDurationSeconds(text, options);
    } catch (error) {
      if (error instanceof SwarmError) throw new InvalidArgumentError(`${error.message} ${error.hint ?? ''}`);
      throw error;
    }
  };
