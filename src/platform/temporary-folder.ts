import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwarmError } from '../domain';
import { storageRefusal } from './durable-file';

/** Where every Unix has room for such files. */
const USUAL = '/tmp';

/**
 * A new folder for files that are of use for a moment; the caller removes it. In TMPDIR, or in `/tmp` where that names a
 * folder that is not there, or not this user's.
 *
 * @param prefix of its name
 * @throws SwarmError unavailable
 */
export const temporaryFolder = async (prefix: string): Promise<string> => {
  const makeIn = (folder: string): Promise<string> => mkdtemp(join(folder, prefix));
  try {
    return await makeIn(tmpdir()).catch(() => makeIn(USUAL));
  } catch (error) {
    const { message } = storageRefusal(error, `a folder in ${tmpdir()}`) ?? (error as Error);
    throw new SwarmError('unavailable', message, 'Set TMPDIR to a folder in which this user may write.');
  }
};
