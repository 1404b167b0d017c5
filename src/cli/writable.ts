import { open } from 'node:fs/promises';
import { SwarmError } from '../domain';

/**
 * Refuses a file that an option names and that can't be written: better before the run than after it.
 *
 * @param option as it is typed, for the message
 * @throws SwarmError bad-request
 */
export const requireWritable = async (option: string, file: string): Promise<void> => {
  try {
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `${option} ${file} can't be written: ${(error as Error).message}.`,
      'Name a file in a folder that exists and that this user may write to.',
    );
  }
};
