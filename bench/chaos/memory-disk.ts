import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Room in memory at the most; only what is written is taken. */
const ROOMY_BYTES = 8 * 2 ** 30;
const ATTEMPTS = 10;

/** A disk in memory that can be made full at any moment: it shrinks to what is on it. */
export class MemoryDisk {
  private constructor(private readonly path: string) {}

  /** @throws Error that says why this user may not mount */
  static async mount(path: string): Promise<MemoryDisk> {
    await mkdir(path, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${ROOMY_BYTES}`, 'encoder-swarm-chaos', path]);
    } catch (error) {
      throw new Error((error as { stderr?: string }).stderr?.trim() || (error as Error).message, {
        cause: error,
      });
    }
    return new MemoryDisk(path);
  }

  /** Leaves no room. @returns gives it back */
  async fill(): Promise<() => Promise<void>> {
    for (let attempt = 1; ; attempt += 1) {
      const { blocks, bfree, bsize } = await statfs(this.path);
      try {
        // What was written since the look makes the kernel refuse: look again.
        await this.resize((blocks - bfree) * bsize);
        return () => this.resize(ROOMY_BYTES);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  async unmount(): Promise<void> {
    await run('umount', ['-l', this.path]);
  }

  private async resize(bytes: number): Promise<void> {
    await run('mount', ['-o', `remount,size=${bytes}`, this.path]);
  }
}
