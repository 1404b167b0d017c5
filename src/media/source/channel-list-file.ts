import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeDirectoryDurably, replaceFile } from '../../platform/durable-file';
import { sourceChannelSpecSchema, type SourceChannelSpec } from './kept-channel';

const listSchema = z.array(sourceChannelSpecSchema);

/** The channels of a source over a restart: `<stateDir>/source/channels.json`, replaced in one step. */
export class ChannelListFile {
  private readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'source', 'channels.json');
  }

  /** @throws Error that names the file if it is not a list of channels */
  async load(): Promise<SourceChannelSpec[]> {
    await makeDirectoryDurably(dirname(this.path));
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      return listSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new Error(`${this.path} is not a list of channels. Hint: remove it and add the channels again.`, {
        cause,
      });
    }
  }

  /** Resolves once the disk holds the list. Not to be called twice at once. */
  save(channels: SourceChannelSpec[]): Promise<void> {
    return replaceFile(this.path, JSON.stringify(channels, undefined, 2));
  }
}
