import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';
import { loadOrCreateSecret } from '../platform/secret-file';

/** Files of keys are named 1, 2, 3 and so on; the highest is the one in use. */
const KEY_ID = /^[1-9]\d{0,8}$/;
const KEY_TEXT = /^[0-9a-f]{64}$/;

export interface PayloadKey {
  id: string;
  /** 32 bytes, for AES-256. */
  key: Buffer;
}

/** Folder of the keys of payloads. */
export const payloadKeysFolder = ({ SWARM_PAYLOAD_KEYS, SWARM_STATE_DIR }: Environment): string =>
  SWARM_PAYLOAD_KEYS ?? join(SWARM_STATE_DIR, 'secrets', 'payload-keys');

/**
 * The keys with which payloads are, or once were, encrypted: one file each, 0600. A new key is used by whoever starts
 * after it was made, and found by all others when they meet its first payload.
 */
export class PayloadKeys {
  private known = new Map<string, PayloadKey>();

  private constructor(private readonly folder: string) {}

  /** @param options.make makes the first key where there is none */
  static async open(folder: string, options: { make: boolean }): Promise<PayloadKeys> {
    const keys = new PayloadKeys(folder);
    await keys.read();
    if (options.make && keys.known.size === 0) {
      await loadOrCreateSecret(join(folder, '1'));
      await keys.read();
    }
    return keys;
  }

  /** The key in use; undefined where there is none. */
  get current(): PayloadKey | undefined {
    return [...this.known.values()].reduce<PayloadKey | undefined>(
      (newest, key) => (newest && Number(newest.id) > Number(key.id) ? newest : key),
      undefined,
    );
  }

  /** @throws SwarmError unavailable where it is not there */
  async get(id: string): Promise<PayloadKey> {
    if (!this.known.has(id)) await this.read();
    const key = this.known.get(id);
    if (key) return key;
    throw new SwarmError(
      'unavailable',
      `A payload of Temporal was encrypted with key ${JSON.stringify(id)}, which is not in ${this.folder}.`,
      'Put the key there, or set SWARM_PAYLOAD_KEYS to the folder that has it.',
    );
  }

  private async read(): Promise<void> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const ids = names.filter((name) => KEY_ID.test(name));
    const keys = await Promise.all(ids.map((id) => readKey(join(this.folder, id), id)));
    this.known = new Map(keys.map((key) => [key.id, key]));
  }
}

const readKey = async (path: string, id: string): Promise<PayloadKey> => {
  const text = (await readFile(path, 'utf8')).trim();
  if (KEY_TEXT.test(text)) return { id, key: Buffer.from(text, 'hex') };
  throw new SwarmError(
    'unavailable',
    `${path} holds no key: 64 hex digits are expected.`,
    'Restore the file, or take it out of the folder.',
  );
};
