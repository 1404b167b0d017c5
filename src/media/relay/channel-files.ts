import { open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { channelSpecSchema, idSchema } from '../../domain';
import { makeDirectoryDurably, removeFile, replaceFile } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';

const recordSchema = z.object({
  gopDurationTicks: channelSpecSchema.shape.gopDurationTicks,
  nextGop: z.int().min(0),
});

/** What outlives the relay process: GOP numbers go on where they stood. */
export type ChannelRecord = z.infer<typeof recordSchema>;

/** Each record is as long as the next, and shorter than a disk's sector: it is written in one piece. */
const RECORD_BYTES = 128;
const padded = (record: ChannelRecord): string => `${JSON.stringify(record).padEnd(RECORD_BYTES - 1)}\n`;

/** One small file per channel under `<stateDir>/relay`, beside the directory of its ring. */
export class ChannelFiles {
  readonly directory: string;

  constructor(stateDir: string) {
    this.directory = join(stateDir, 'relay');
  }

  /** Reads the record of every channel. A file that is none is set aside, and its channel is named in `damaged`. */
  async load(): Promise<{ records: Map<string, ChannelRecord>; damaged: Map<string, string> }> {
    await makeDirectoryDurably(this.directory);
    const records = new Map<string, ChannelRecord>();
    const damaged = new Map<string, string>();
    for (const name of await readdir(this.directory)) {
      const id = name.replace(/\.json$/, '');
      if (id === name || !idSchema.safeParse(id).success) continue;
      const path = join(this.directory, name);
      try {
        records.set(id, recordSchema.parse(JSON.parse(await readFile(path, 'utf8'))));
      } catch (cause) {
        damaged.set(
          id,
          `${path} was no channel record (${(cause as Error).message}); it is ${await setAside(path)}.`,
        );
      }
    }
    return { records, damaged };
  }

  /** Makes a channel known, durably. */
  create(id: string, record: ChannelRecord): Promise<void> {
    return replaceFile(this.pathOf(id), padded(record));
  }

  /**
   * Overwrites a record where it stands, so that it needs no room on the disk, and waits until the disk holds it: a
   * GOP number that was made known must not be given again after a power cut. Not to be called twice at once.
   */
  async update(id: string, record: ChannelRecord): Promise<void> {
    const handle = await open(this.pathOf(id), 'r+');
    try {
      await handle.write(padded(record), 0);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  /** Where the GOPs of a channel are kept. */
  ringDirectory(id: string): string {
    return join(this.directory, id);
  }

  /** Forgets a channel, durably. */
  remove(id: string): Promise<void> {
    return removeFile(this.pathOf(id));
  }

  private pathOf(id: string): string {
    return join(this.directory, `${id}.json`);
  }
}
