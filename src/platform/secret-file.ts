import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectoryDurably, syncDirectory } from './durable-file';

const SECRET_BYTES = 32;

/**
 * A secret of this swarm: 32 random bytes as hex, in a file that only its owner may read, made at first use.
 * Safe when several processes ask for the first time at once. What the file holds is not checked.
 * @throws errors of the file system as they are
 */
export const loadOrCreateSecret = async (path: string): Promise<string> => {
  try {
    return await readSecret(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await makeDirectoryDurably(dirname(path));
  // A link to a complete file appears at once or not at all, so that no one ever reads half a secret.
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeSecret(draft);
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  // What is made with the secret outlasts a power cut, so must the secret.
  await syncDirectory(dirname(path));
  return readSecret(path);
};

const readSecret = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();

const writeSecret = async (path: string): Promise<void> => {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(SECRET_BYTES).toString('hex')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
};
