import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  SwarmError,
  channelWithDefaults,
  copyOfPreset,
  idSchema,
  redacted,
  type ChannelSpec,
} from '../domain';
import { inputOrFile } from './input-file';

export interface NamedInput {
  channelId: string;
  url: string;
}

const HINT =
  'Write --input NAME=URL, NAME made of a-z, 0-9 and "-", URL a file or whatever ffmpeg reads, or @FILE with a URL in it.';

/**
 * Reads one `--input NAME=URL`. A file's path becomes absolute, as the source process may run elsewhere. One that is not
 * there, or no file, is for the source to name and to try again, as any other input: it stops no start. `NAME=@FILE`: the
 * URL is read from the file.
 * @param folder what a relative path is relative to
 * @throws SwarmError bad-request that says what is wrong
 */
export const parseInput = async (text: string, folder: string): Promise<NamedInput> => {
  const [, channelId = '', given = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const name = idSchema.safeParse(channelId);
  if (!name.success || given === '')
    throw new SwarmError('bad-request', `--input "${redacted(text)}" is malformed.`, HINT);
  const url = await inputOrFile(given, folder);
  const path = resolve(folder, url);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  // A name with a colon may be a file's, too: what is there is meant.
  const isUrl = !isThere && /^[a-z][a-z0-9+.-]*:/i.test(url);
  return { channelId, url: isUrl ? url : path };
};

/**
 * Gives channels their inputs: one of the same name gets it in place of its generated picture, any other name
 * becomes a channel more.
 * @throws SwarmError bad-request when a name is given twice
 */
export const withInputs = (
  channels: readonly ChannelSpec[],
  inputs: readonly NamedInput[],
): ChannelSpec[] => {
  const byId = new Map(channels.map((spec) => [spec.id, spec]));
  const given = new Set<string>();
  for (const { channelId: id, url } of inputs) {
    if (given.has(id)) throw new SwarmError('bad-request', `--input ${id} is given twice.`, HINT);
    given.add(id);
    const spec = byId.get(id) ?? channelWithDefaults(id);
    byId.set(id, { ...spec, ...copyOfPreset('small'), input: { kind: 'url', url } });
  }
  return [...byId.values()];
};
