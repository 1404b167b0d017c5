import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Wall clocks that can be set, one for each part: libfaketime in the part reads its offset from a file, once a second.
 * Monotonic clocks go on as they are, as they do on a real machine whose clock is set.
 */
export class Clocks {
  private constructor(
    private readonly library: string,
    private readonly folder: string,
  ) {}

  /** @param parts those whose clock may be set; all are right at first */
  static async create(library: string, folder: string, parts: readonly string[]): Promise<Clocks> {
    const clocks = new Clocks(library, folder);
    await mkdir(folder, { recursive: true });
    await Promise.all(parts.map((part) => clocks.write(part, 0)));
    return clocks;
  }

  /** Variables that a part must be started with; none for one whose clock is not to be set. */
  variablesOf(part: string): NodeJS.ProcessEnv {
    if (!existsSync(this.fileOf(part))) return {};
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.fileOf(part),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Shared memory would outlive a process that is killed.
      FAKETIME_DISABLE_SHM: '1',
    };
  }

  /** @returns sets the clock right */
  async jump(part: string, jumpMs: number): Promise<() => Promise<void>> {
    await this.write(part, jumpMs);
    return () => this.write(part, 0);
  }

  private fileOf(part: string): string {
    return join(this.folder, `${part}.offset`);
  }

  /** Renamed into place: a part never reads half of it. */
  private async write(part: string, offsetMs: number): Promise<void> {
    const file = this.fileOf(part);
    await writeFile(`${file}.new`, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}`);
    await rename(`${file}.new`, file);
  }
}
