import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { list, type ReadEntry } from 'tar';
import { SwarmError } from '../domain';
import { MANIFEST_NAME, damaged, parseManifest, type Manifest } from './manifest';

/** Of a list of some 500,000 files. */
const MAX_MANIFEST_BYTES = 128 * 1024 * 1024;
/** gzip itself reaches no more: nothing is refused for it. */
const ANY_RATIO = 2_000;

/** Options by which every entry of an archive is read. */
export const readingOptions = (file: string) => ({ file, strict: true, maxDecompressionRatio: ANY_RATIO });

/** Path of an entry as the manifest has it. */
export const pathOf = (entry: { path: string }): string => posix.normalize(entry.path).replace(/\/$/, '');

interface SeenFile {
  bytes: number;
  sha256: string;
}

/**
 * Reads a whole archive and compares it with the list that it begins with. Writes nothing.
 *
 * @throws SwarmError bad-request if anything is missing, too much, or not as it was; conflict if a newer release made
 *   it; not-found if there is no such file
 */
export const readArchive = async (file: string): Promise<{ manifest: Manifest; bytes: number }> => {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) {
    throw new SwarmError('not-found', `There is no file ${file}.`, 'Name a file that backup made.');
  }
  let listed = '';
  const seen = new Map<string, SeenFile>();
  const directories = new Set<string>();
  let wrong: string | undefined;
  let isFirst = true;
  const onReadEntry = (entry: ReadEntry): void => {
    const path = pathOf(entry);
    if (isFirst) {
      isFirst = false;
      if (path !== MANIFEST_NAME || entry.size > MAX_MANIFEST_BYTES) wrong ??= 'it has no list of its files';
      else entry.on('data', (chunk: Buffer) => (listed += chunk.toString('latin1')));
      return;
    }
    if (entry.type === 'Directory') {
      directories.add(path);
      return;
    }
    if (entry.type !== 'File' || seen.has(path)) wrong ??= `${path} is no file, or is in it twice`;
    const hash = createHash('sha256');
    let bytes = 0;
    entry.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    entry.on('end', () => seen.set(path, { bytes, sha256: hash.digest('hex') }));
  };
  await list({ ...readingOptions(file), onReadEntry }).catch((error: Error) => {
    wrong ??= error.message;
  });
  // A newer archive may look wrong only because it is newer.
  if (listed !== '' || wrong === undefined) {
    const manifest = parseManifest(Buffer.from(listed, 'latin1').toString('utf8'), file);
    wrong ??= differenceOf(manifest, seen, directories);
    if (wrong === undefined) return { manifest, bytes: found.size };
  }
  throw damaged(file, wrong ?? 'it is empty');
};

const differenceOf = (
  manifest: Manifest,
  seen: ReadonlyMap<string, SeenFile>,
  directories: ReadonlySet<string>,
): string | undefined => {
  for (const { path, bytes, sha256 } of manifest.files) {
    const there = seen.get(path);
    if (!there) return `${path} is missing`;
    if (there.bytes !== bytes || there.sha256 !== sha256) return `${path} is not what was backed up`;
  }
  for (const path of manifest.directories) if (!directories.has(path)) return `the folder ${path} is missing`;
  if (seen.size > manifest.files.length || directories.size > manifest.directories.length)
    return 'it holds files that its list does not name';
  return undefined;
};
