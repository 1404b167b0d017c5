import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeDirectoryDurably, replacePrivateFile } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';
import { keptChannelSchema, type KeptChannel } from './kept-channel';

const listSchema = z.array(z.unknown());

export interface FoundChannels {
  channels: KeptChannel[];
  /** What could not be read, as sentences; the file was set aside. */
  damaged: string[];
}

/**
 * The channels of a source over a restart: `<stateDir>/source/channels.json`, replaced in one step, and a second file
 * with the same content for the case that the first one is damaged. The addresses of inputs hold passwords: both are for
 * their owner alone.
 */
export class ChannelListFile {
  private readonly path: string;
  private readonly copyPath: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'source', 'channels.json');
    this.copyPath = join(stateDir, 'source', 'channels.copy.json');
  }

  /** Reads as many channels as can be understood, of the first file or else of the second. */
  async load(): Promise<FoundChannels> {
    await makeDirectoryDurably(dirname(this.path));
    const first = await readList(this.path);
    if (first.damaged.length === 0) return first;
    const aside = await setAside(this.path);
    const second = await readList(this.copyPath);
    const damaged = first.damaged.map((what) => `${what}; it is ${aside}`);
    return second.damaged.length === 0 && second.channels.length > 0
      ? { channels: second.channels, damaged }
      : { channels: first.channels, damaged };
  }

  /** Durable when it resolves. Not to be called twice at once. */
  async save(channels: KeptChannel[]): Promise<void> {
    const text = JSON.stringify(channels, undefined, 2);
    await replacePrivateFile(this.path, text);
    await replacePrivateFile(this.copyPath, text);
  }
}

const readList = async (path: string): Promise<FoundChannels> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { channels: [], damaged: [] };
    throw error;
  }
  let entries: unknown[];
  try {
    entries = listSchema.parse(JSON.parse(text));
  } catch (error) {
    return { channels: [], damaged: [`${path} was no list of channels (${(error as Error).message})`] };
  }
  const found: FoundChannels = { channels: [], damaged: [] };
  for (const [index, entry] of entries.entries()) {
    const channel = keptChannelSchema.safeParse(entry);
    if (channel.success) found.channels.push(channel.data);
    else
      found.damaged.push(`entry ${index + 1} of ${path} was no channel (${z.prettifyError(channel.error)})`);
  }
  return found;
};
