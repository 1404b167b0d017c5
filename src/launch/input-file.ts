import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SwarmError } from '../domain';

/**
 * What `@FILE` stands for: the URL in the file, so that a secret in it stands in no argument, which every account of the
 * machine can read, and in no history of a shell. Anything else stands for itself.
 * @param folder what a relative path is relative to
 * @throws SwarmError bad-request that names the file, never what is in it
 */
export const inputOrFile = async (given: string, folder: string): Promise<string> => {
  if (!given.startsWith('@')) return given;
  const path = resolve(folder, given.slice(1));
  const hint = 'Name a file that holds a URL and nothing else. A file whose own name begins with @: ./@NAME.';
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SwarmError('bad-request', `${path} can't be read: ${error.code ?? error.message}.`, hint);
  });
  const url = text.trim();
  if (url !== '' && !/\s/.test(url)) return url;
  throw new SwarmError('bad-request', `${path} holds no URL.`, hint);
};
