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

/** A key that was made anew has the number of the one before. */
export const isSameKey = (a: NumberedKey, b: NumberedKey | undefined): boolean =>
  a.id === b?.id && a.key.equals(b.key);

export interface KeyFolderOptions {
  /** Makes the first key where there is none. */
  make: boolean;
  /**
   * A file without a key is passed over as long as there is another one; it is told of when that is seen first. Absent: such
   * a file is refused at the start.
   */
  onFault?: (fault: SwarmError) => void;
}

/**
 * Keys of one purpose in a folder: one file each, 0600, as 64 hex digits. A file that is being written, or can't be read,
 * changes nothing of the key that was known under its name: only one that is gone takes its key away.
 */
export class KeyFolder {
  private known = new Map<string, NumberedKey>();
  /** By name of the file. */
  private faults = new Map<string, SwarmError>();
  private readAtMs = -Infinity;
  private reading: Promise<void> | null = null;

  private constructor(
    readonly folder: string,
    private readonly onFault: KeyFolderOptions['onFault'],
  ) {}

  /** @throws SwarmError unavailable for a file without a key, see `onFault` */
  static async open(folder: string, { make, onFault }: KeyFolderOptions): Promise<KeyFolder> {
    const keys = new KeyFolder(folder, onFault);
    await keys.read();
    if (make && keys.known.size === 0 && keys.faults.size === 0) {
      await loadOrCreateSecret(join(folder, '1'));
      await keys.read();
    }
    const [fault] = keys.faults.values();
    if (fault && (!onFault || keys.known.size === 0)) throw fault;
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

  /** True while it is there as it was: another one may have come under its name. */
  has(key: NumberedKey): boolean {
    return isSameKey(key, this.known.get(key.id));
  }

  /** What is wrong with the file of a key. */
  faultOf(id: string): SwarmError | undefined {
    return this.faults.get(id);
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

  /** Takes on what was added, and forgets what was taken away. */
  async read(): Promise<void> {
    const faults = new Map<string, SwarmError>();
    const known = new Map<string, NumberedKey>();
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      faults.set('.', unreadable(this.folder, error));
      return [...this.known.keys()];
    });
    const take = async (id: string): Promise<void> => {
      const found = await readKey(join(this.folder, id), id);
      if (found instanceof SwarmError) faults.set(id, found);
      const key = found instanceof SwarmError ? this.known.get(id) : found;
      if (key) known.set(id, key);
    };
    await Promise.all(names.filter((name) => KEY_ID.test(name)).map(take));
    const before = this.faults;
    this.known = known;
    this.faults = faults;
    for (const [name, fault] of faults) if (!before.has(name)) this.onFault?.(fault);
  }
}

const unreadable = (path: string, { code, message }: NodeJS.ErrnoException): SwarmError =>
  new SwarmError('unavailable', `${path} can't be read: ${code ?? message}.`, 'See who may read it.');

/** The key, what is wrong with its file, or null where that is gone. */
const readKey = async (path: string, id: string): Promise<NumberedKey | SwarmError | null> => {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (KEY_TEXT.test(text)) return { id, key: Buffer.from(text, 'hex') };
    return new SwarmError(
      'unavailable',
      `${path} holds no key: 64 hex digits are expected.`,
      'Restore the file, or take it out of the folder.',
    );
  } catch (error) {
    const fault = error as NodeJS.ErrnoException;
    return fault.code === 'ENOENT' ? null : unreadable(path, fault);
  }
};
