import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { channelSpecSchema, idSchema } from '../../domain';

const recordSchema = z.object({
  gopDurationTicks: channelSpecSchema.shape.gopDurationTicks,
  nextGop: z.int().min(0),
});

/** What outlives the relay process: GOP numbers go on where they stood. */
export type ChannelRecord = z.infer<typeof recordSchema>;

/** One small file per channel under `<stateDir>/relay`, replaced in one step. */
export class ChannelFiles {
  private readonly directory: string;

  constructor(stateDir: string) {
    this.directory = join(stateDir, 'relay');
  }

  /**
   * Reads the record of every channel.
   * @throws Error that names a file that is not a channel record.
   */
  async load(): Promise<Map<string, ChannelRecord>> {
    await mkdir(this.directory, { recursive: true });
    const records = new Map<string, ChannelRecord>();
    for (const name of await readdir(this.directory)) {
      const id = name.replace(/\.json$/, '');
      if (id === name || !idSchema.safeParse(id).success) continue;
      const path = join(this.directory, name);
      try {
        records.set(id, recordSchema.parse(JSON.parse(await readFile(path, 'utf8'))));
      } catch (cause) {
        throw new Error(`${path} is not a channel record. Mend: remove it; its GOP numbers are lost.`, {
          cause,
        });
      }
    }
    return records;
  }

  /** Not to be called twice at once for the same channel. */
  async save(id: string, record: ChannelRecord): Promise<void> {
    const path = this.pathOf(id);
    const draft = `${path}.draft`;
    await writeFile(draft, JSON.stringify(record));
    await rename(draft, path);
  }

  async remove(id: string): Promise<void> {
    await rm(this.pathOf(id), { force: true });
  }

  private pathOf(id: string): string {
    return join(this.directory, `${id}.json`);
  }
}
