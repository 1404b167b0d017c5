import { constants, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectoryDurably, removeFile } from '../../platform/durable-file';
import type { Logger } from '../../platform/logger';

const fileSchema = z.object({ nextGop: z.int().min(0) });

/** Each record is as long as the next, and shorter than a disk's sector: it is written in one piece. */
const RECORD_BYTES = 64;

/**
 * The first GOP of a channel that is not complete: `<stateDir>/source/gops/<channel>.json`. It is written behind what is
 * sent: it counts where a relay that may know better does not answer.
 */
export class GopNumberFile {
  private readonly folder: string;
  private readonly path: string;
  private wanted: number | null = null;
  private writing: Promise<void> | null = null;
  /** Told once, not with each GOP, while the disk refuses. */
  private isRefused = false;

  constructor(
    stateDir: string,
    channelId: string,
    private readonly log: Logger,
  ) {
    this.folder = join(stateDir, 'source', 'gops');
    this.path = join(this.folder, `${channelId}.json`);
  }

  /** Null where there is none that can be read: relays are asked. */
  async load(): Promise<number | null> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(this.path, 'utf8'))).nextGop;
    } catch {
      return null;
    }
  }

  /** Has a number written as soon as the disk takes it; the latest one counts. */
  note(nextGop: number): void {
    this.wanted = nextGop;
    this.writing ??= this.write().finally(() => {
      this.writing = null;
    });
  }

  /** Settles once what was noted is written, or was refused. */
  async settled(): Promise<void> {
    await this.writing;
  }

  async remove(): Promise<void> {
    await this.writing;
    await removeFile(this.path);
  }

  private async write(): Promise<void> {
    for (let next = this.wanted; next !== null; next = this.wanted) {
      this.wanted = null;
      try {
        await makeDirectoryDurably(this.folder);
        const handle = await open(this.path, constants.O_RDWR | constants.O_CREAT);
        try {
          await handle.write(`${JSON.stringify({ nextGop: next }).padEnd(RECORD_BYTES - 1)}\n`, 0);
          await handle.datasync();
        } finally {
          await handle.close();
        }
        this.isRefused = false;
      } catch (err) {
        if (!this.isRefused)
          this.log.warn({ err }, 'numbers of GOPs are not written, until the disk takes them');
        this.isRefused = true;
      }
    }
  }
}
