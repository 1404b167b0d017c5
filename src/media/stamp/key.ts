import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../../domain';
import { makeDirectoryDurably, syncDirectory } from '../../platform/durable-file';

const KEY_BYTES = 32;

/**
 * The key of this swarm's stamps, `<stateDir>/stamp.key` (32 bytes as hex, mode 0600), made at first use.
 * Only the source and the verifier read it: an encoder that does not know it can't make up a frame.
 * Safe when several processes ask for the first time at once.
 * @throws SwarmError internal when the file is not a key; errors of the file system as they are.
 */
export const loadOrCreateStampKey = async (stateDir: string): Promise<Buffer> => {
  const path = join(stateDir, 'stamp.key');
  try {
    return parseKey(await readFile(path, 'utf8'), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await makeDirectoryDurably(stateDir);
  // A link to a complete file appears at once or not at all, so that no one ever reads half a key.
  const draft = join(stateDir, `stamp.key.${randomUUID()}`);
  try {
    await writeKey(draft);
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  // Pictures that carry the key outlast a power cut, so must the key.
  await syncDirectory(stateDir);
  return parseKey(await readFile(path, 'utf8'), path);
};

const writeKey = async (path: string): Promise<void> => {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const parseKey = (text: string, path: string): Buffer => {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new SwarmError(
      'internal',
      `${path} does not hold a stamp key (${2 * KEY_BYTES} hexadecimal digits).`,
      'Restore it, or remove it and restart the swarm: channels then carry a new key.',
    );
  }
  return Buffer.from(hex, 'hex');
};
