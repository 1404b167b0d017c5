import { InvalidArgumentError, Option } from 'commander';
import { SwarmError, knownTimeZoneSchema } from '../domain';
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

/** Where the local state is. @param purpose what a command wants of it */
export const stateDirOption = (purpose = 'folder of the local state'): Option =>
  new Option('--state-dir <DIR>', purpose)
    .argParser((folder: string) => {
      // It would be the folder that one happens to be in.
      if (folder.trim() === '') throw new InvalidArgumentError('It names no folder.');
      return folder;
    })
    .default(process.env.SWARM_STATE_DIR || '.swarm', 'SWARM_STATE_DIR, else .swarm');

/** @throws InvalidArgumentError */
export const timeZoneOption = (text: string): string => {
  const parsed = knownTimeZoneSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues.map(({ message }) => message).join('; '));
};
