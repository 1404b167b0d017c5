import { join } from 'node:path';
import { SwarmError } from '../../domain';
import { loadOrCreateSecret } from '../../platform/secret-file';

const KEY_BYTES = 32;

/**
 * The key of this swarm's stamps, `<stateDir>/stamp.key` (32 bytes as hex, mode 0600), made at first use.
 * Only the source and the verifier read it: an encoder that does not know it can't make up a frame.
 * Safe when several processes ask for the first time at once.
 * @throws SwarmError internal when the file is not a key; errors of the file system as they are.
 */
export const loadOrCreateStampKey = async (stateDir: string): Promise<Buffer> => {
  const path = join(stateDir, 'stamp.key');
  return parseKey(await loadOrCreateSecret(path), path);
};

const parseKey = (hex: string, path: string): Buffer => {
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new SwarmError(
      'internal',
      `${path} does not hold a stamp key (${2 * KEY_BYTES} hexadecimal digits).`,
      'Restore it, or remove it and restart the swarm: channels then carry a new key.',
    );
  }
  return Buffer.from(hex, 'hex');
};
