import { join } from 'node:path';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';
import { KeyFolder, type NumberedKey } from '../platform/key-folder';

/** 32 bytes, for AES-256. */
export type PayloadKey = NumberedKey;

/** Folder of the keys of payloads. */
export const payloadKeysFolder = ({ SWARM_PAYLOAD_KEYS, SWARM_STATE_DIR }: Environment): string =>
  SWARM_PAYLOAD_KEYS ?? join(SWARM_STATE_DIR, 'secrets', 'payload-keys');

/**
 * The keys with which payloads are, or once were, encrypted. A new key is used by whoever starts after it was made, and
 * found by all others when they meet its first payload.
 */
export class PayloadKeys {
  private constructor(private readonly keys: KeyFolder) {}

  /** @param options.make makes the first key where there is none */
  static async open(folder: string, options: { make: boolean }): Promise<PayloadKeys> {
    return new PayloadKeys(await KeyFolder.open(folder, options));
  }

  /** The key in use; undefined where there is none. */
  get current(): PayloadKey | undefined {
    return this.keys.current;
  }

  /** @throws SwarmError unavailable where it is not there */
  async get(id: string): Promise<PayloadKey> {
    if (!this.keys.get(id)) await this.keys.read();
    const key = this.keys.get(id);
    if (key) return key;
    const fault = this.keys.faultOf(id);
    if (fault) throw fault;
    throw new SwarmError(
      'unavailable',
      `A payload of Temporal was encrypted with key ${JSON.stringify(id)}, which is not in ${this.keys.folder}.`,
      'Put the key there, or set SWARM_PAYLOAD_KEYS to the folder that has it.',
    );
  }
}
