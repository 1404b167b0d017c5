import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a worker runs: the rest of the project changes nothing of it. */
const FOLDERS = ['src', 'workflows', 'activities', 'protos'];
const FILES = ['package-lock.json', '.swcrc'];
const DIGITS = 12;

/**
 * Names the code of a worker: a hash over names and contents of its sources, and so the same on every machine that has the
 * same release. Worker deployments tell builds apart by it.
 */
export const buildIdOf = (root) => {
  const below = FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))),
  );
  const hash = createHash('sha256');
  for (const file of [...below, ...FILES].sort()) {
    const text = readFileSync(join(root, file));
    hash.update(`${file} ${text.length}\n`).update(text);
  }
  return hash.digest('hex').slice(0, DIGITS);
};
