import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { SwarmError, idSchema } from '../../domain';
import { replaceFile } from '../../platform/durable-file';
import type { Held, OwnershipStore } from './store';

/** Where the record of a channel is kept in its folder. */
export const recordFile = (channelDirectory: string): string => join(channelDirectory, 'channel.json');

/**
 * Records as files, `<directory>/<channel>/channel.json`, of one process that has locked the folder. The folder of a channel
 * is there before its record is written. Versions count what this process has written: the file itself is the same as ever.
 */
export class EmbeddedOwnershipStore<T> implements OwnershipStore<T> {
  private readonly versions = new Map<string, number>();

  constructor(
    private readonly directory: string,
    private readonly schema: z.ZodType<T>,
  ) {}

  /** @throws SwarmError unavailable if it can't be understood: its token must not be guessed */
  async read(channelId: string): Promise<Held<T> | undefined> {
    const path = this.path(channelId);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return { record: this.schema.parse(JSON.parse(text)), version: this.versionOf(channelId) };
    } catch (error) {
      throw new SwarmError(
        'unavailable',
        `${path} is damaged: ${(error as Error).message}`,
        'Restore the file and start the origin again, or remove the channel and add it again.',
      );
    }
  }

  async readAll(): Promise<Map<string, Held<T>>> {
    const names = (await readdir(this.directory)).filter((name) => idSchema.safeParse(name).success);
    const held = await Promise.all(names.map(async (id) => [id, await this.read(id)] as const));
    return new Map(held.flatMap(([id, record]) => (record ? [[id, record]] : [])));
  }

  async replace(channelId: string, record: T, version: string | null): Promise<string | null> {
    const before = this.versions.get(channelId) ?? 0;
    const isInForce =
      version === null ? (await this.read(channelId)) === undefined : version === String(before);
    if (!isInForce || before !== (this.versions.get(channelId) ?? 0)) return null;
    // Taken before the write, so that of two at once one is refused.
    this.versions.set(channelId, before + 1);
    try {
      await replaceFile(this.path(channelId), `${JSON.stringify(record)}\n`);
    } catch (error) {
      this.versions.set(channelId, before);
      throw error;
    }
    return String(before + 1);
  }

  private versionOf(channelId: string): string {
    return String(this.versions.get(channelId) ?? 0);
  }

  private path(channelId: string): string {
    return recordFile(join(this.directory, channelId));
  }
}
