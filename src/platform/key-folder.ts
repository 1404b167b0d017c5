import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { loadOrCreateSecret } from './secret-file';

/** Files of keys are named 1, 2, 3 and so on; the highest is the one in use. */
const KEY_ID = /^[1-9]\d{0,8}$/;
const KEY_TEXT = /^[0-9a-f]{64}$/;

export interface NumberedKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** Keys of one purpose in a folder: one file each, 0600, as 64 hex digits. */
export class KeyFolder {
  private known = new Map<string, NumberedKey>();
  private readAtMs = -Infinity;
  private reading: Promise<void> | null = null;

  private constructor(readonly folder: string) {}

  /** @param options.make makes the first key where there is none */
  static async open(folder: string, options: { make: boolean }): Promise<KeyFolder> {
    const keys = new KeyFolder(folder);
    await keys.read();
    if (options.make && keys.known.size === 0) {
      await loadOrCreateSecret(join(folder, '1'));
      await keys.read();
    }
    return keys;
  }

  /** The key in use; undefined where there is none. */
  get current(): NumberedKey | undefined {
    return [...this.known.values()].reduce<NumberedKey | undefined>(
      (newest, key) => (newest && Number(newest.id) > Number(key.id) ? newest : key),
      undefined,
    );
  }

  get(id: string): NumberedKey | undefined {
    return this.known.get(id);
  }

  /** Reads, unless it was read within so long. @param nowMs by the caller's clock */
  async readAfter(nowMs: number, keptMs: number): Promise<void> {
    const ageMs = nowMs - this.readAtMs;
    if (ageMs >= 0 && ageMs < keptMs) return;
    this.reading ??= this.read()
      .then(() => {
        this.readAtMs = nowMs;
      })
      .finally(() => {
        this.reading = null;
      });
    await this.reading;
  }

  /** Takes on what was added, and forgets what was taken away. @throws SwarmError unavailable for a file without a key */
  async read(): Promise<void> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const ids = names.filter((name) => KEY_ID.test(name));
    const keys = await Promise.all(ids.map((id) => readKey(join(this.folder, id), id)));
    this.known = new Map(keys.map((key) => [key.id, key]));
  }
}

const readKey = async (path: string, id: string): Promise<NumberedKey> => {
  const text = (await readFile(path, 'utf8')).trim();
  if (KEY_TEXT.test(text)) return { id, key: Buffer.from(text, 'hex') };
  throw new SwarmError(
    'unavailable',
    `${path} holds no key: 64 hex digits are expected.`,
    'Restore the file, or take it out of the folder.',
  );
};
