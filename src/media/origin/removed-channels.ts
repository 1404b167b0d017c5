import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';
import { removedRecordSchema } from './records';

/** Added where the tokens of a channel can't be read: more than any channel changes hands in its life. */
const UNREADABLE_STEP = 1_000_000;

/**
 * What an origin remembers of channels that were removed: one number for all of them, the highest token that any had.
 * A channel that is added, of whatever name, begins there, so that no token of an earlier one is ever in force again.
 */
export class RemovedChannels {
  private constructor(
    private readonly path: string,
    private highest: number,
  ) {}

  static async open(directory: string): Promise<RemovedChannels> {
    const path = join(directory, 'removed.json');
    try {
      const { highestToken } = removedRecordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return new RemovedChannels(path, highestToken);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new RemovedChannels(path, 0);
      await setAside(path);
      const removed = new RemovedChannels(path, 0);
      await removed.rememberUnreadable();
      return removed;
    }
  }

  get highestToken(): number {
    return this.highest;
  }

  /** Durable when it resolves. */
  async remember(token: number): Promise<void> {
    if (token <= this.highest) return;
    await replaceFile(this.path, `${JSON.stringify({ highestToken: token })}\n`);
    this.highest = token;
  }

  /** A channel whose tokens nobody can read is given up. */
  rememberUnreadable(): Promise<void> {
    return this.remember(this.highest + UNREADABLE_STEP);
  }
}
