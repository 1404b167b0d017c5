import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../domain';
import { makeDirectoryDurably, replaceFile } from './durable-file';

const schema = z.object({ id: z.uuid() });

/**
 * Distinguishes state folders, also those of the same name: made when a swarm first starts on it, kept
 * in `<stateDir>/installation.json`, and part of a backup. The caller holds the folder's lock.
 *
 * @throws SwarmError unavailable if the file can't be understood
 */
export const installationId = async (stateDir: string): Promise<string> => {
  const path = join(stateDir, 'installation.json');
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8'))).id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new SwarmError(
        'unavailable',
        `${path} can't be read: ${(error as Error).message}.`,
        'Restore it from a backup. It says which swarm of a Temporal server is the one of this folder.',
      );
    }
  }
  const id = randomUUID();
  await makeDirectoryDurably(stateDir);
  await replaceFile(path, `${JSON.stringify({ id })}\n`);
  return id;
};
