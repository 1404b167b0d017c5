import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../domain';
import { replaceFile } from './durable-file';
import { makeStateFolder } from './state-folder';

const schema = z.object({ id: z.uuid() });

const pathIn = (stateDir: string): string => join(stateDir, 'installation.json');

/**
 * Distinguishes state folders, also those of the same name: made when a swarm first starts on it, kept
 * in `<stateDir>/installation.json`, and part of a backup. The caller holds the folder's lock.
 *
 * @throws SwarmError unavailable if the file can't be understood
 */
export const installationId = async (stateDir: string): Promise<string> => {
  const known = await knownInstallationId(stateDir);
  if (known !== null) return known;
  const id = randomUUID();
  await makeStateFolder(stateDir);
  await replaceFile(pathIn(stateDir), `${JSON.stringify({ id })}\n`);
  return id;
};

/** The same, null where no swarm has been started on the folder. @throws SwarmError unavailable */
export const knownInstallationId = async (stateDir: string): Promise<string | null> => {
  const path = pathIn(stateDir);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8'))).id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SwarmError(
      'unavailable',
      `${path} can't be read: ${(error as Error).message}.`,
      'Restore it from a backup. It says which swarm of a Temporal server is the one of this folder.',
    );
  }
};
