import { chmod, mkdtemp, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { create } from 'tar';
import { SwarmError } from '../domain';
import { storageRefusal, syncDirectory } from '../platform/durable-file';
import { sha256OfFile } from '../platform/file-digest';
import { isBelow } from '../platform/paths';
import { runOn } from '../platform/processes/run-record';
import { requireKnownFormat } from '../platform/state-format';
import { withFrozenCopy } from './frozen-state';
import { BACKUP_FORMAT, MANIFEST_NAME, type KeptFile, type Manifest } from './manifest';
import { exists, filesToKeep, withStoppedState } from './stopped-state';

/** Video is packed already; databases shrink at the lowest level too, and a higher one takes far longer. */
const GZIP_LEVEL = 1;
/** It holds the key of the stamps, and inputs with their passwords. */
const OWNER_ONLY = 0o600;

/** What a backup holds. */
export interface BackupSummary {
  /** Absolute path of the archive. */
  file: string;
  /** Of the archive. */
  bytes: number;
  files: number;
  /** Of all files together, as they are in the state folder. */
  stateBytes: number;
  release: string;
  madeAtMs: number;
  /** Databases that the swarm runs itself; those of one's own are backed up with their own means. */
  databases: { temporal: boolean; influxdb: boolean };
  /** For how long a swarm that runs stood still for it; null where it was stopped. */
  stoodStillMs: number | null;
}

/** @param bytes of the archive */
export const summaryOf = (
  manifest: Manifest,
  file: string,
  bytes: number,
  stoodStillMs: number | null = null,
): BackupSummary => ({
  file,
  bytes,
  files: manifest.files.length,
  stateBytes: manifest.files.reduce((sum, kept) => sum + kept.bytes, 0),
  release: manifest.release,
  madeAtMs: manifest.madeAtMs,
  databases: {
    temporal: manifest.files.some(({ path }) => path === 'temporal.db'),
    influxdb: manifest.files.some(({ path }) => path.startsWith('influx/data/')),
  },
  stoodStillMs,
});

/**
 * Writes all that can't be made again of a swarm's state folder into one gzipped tar archive: lists and records of all
 * parts, segments, key, models, and the databases that the swarm runs itself. The archive appears under its name when it
 * is whole and on the disk. A swarm that was started on this machine and runs stands still for a moment, and goes on.
 *
 * @param release that makes the backup
 * @throws SwarmError conflict while another process uses the folder, or where the file exists; not-found where there is
 *   no state; bad-request for a file that can't be written; storage-full; unavailable where a swarm that runs can't be
 *   made to stand still
 */
export const backUp = async (options: {
  stateDir: string;
  file: string;
  release: string;
  nowMs?: number;
}): Promise<BackupSummary> => {
  const stateDir = resolve(options.stateDir);
  const file = resolve(options.file);
  await requireNewFileOutside(stateDir, file);
  const write = async (
    directory: string,
    stateFormat: number,
    stoodStillMs: number | null,
  ): Promise<BackupSummary> => {
    const { release, nowMs = Date.now() } = options;
    const manifest = await manifestOf(directory, { release, madeAtMs: nowMs, stateFormat });
    await writeArchive(directory, file, manifest).catch((error: unknown) => {
      throw storageRefusal(error, file) ?? error;
    });
    return summaryOf(manifest, file, (await stat(file)).size, stoodStillMs);
  };
  // What a process does is told by /proc, which other systems lack.
  if (process.platform === 'linux' && runOn(stateDir))
    return withFrozenCopy(stateDir, async ({ directory, stoodStillMs }) =>
      write(directory, await requireKnownFormat(directory), stoodStillMs),
    );
  return withStoppedState(stateDir, (stateFormat) => write(stateDir, stateFormat, null));
};

const requireNewFileOutside = async (stateDir: string, file: string): Promise<void> => {
  if (isBelow(file, stateDir)) {
    throw new SwarmError(
      'bad-request',
      `${file} is in the state folder that it would be a backup of.`,
      'Name a file on another disk, or at least in another folder.',
    );
  }
  if (await exists(file)) {
    throw new SwarmError(
      'conflict',
      `${file} exists already.`,
      'Name another file, or remove that one first: a backup replaces no other.',
    );
  }
  if (!(await exists(dirname(file)))) {
    throw new SwarmError('bad-request', `There is no folder ${dirname(file)}.`, 'Make it first.');
  }
};

const manifestOf = async (
  stateDir: string,
  of: Pick<Manifest, 'release' | 'madeAtMs' | 'stateFormat'>,
): Promise<Manifest> => {
  const { directories, files } = await filesToKeep(stateDir);
  const kept: KeptFile[] = [];
  for (const path of files) {
    const { size } = await stat(join(stateDir, path));
    kept.push({ path, bytes: size, sha256: await sha256OfFile(join(stateDir, path)) });
  }
  return { format: BACKUP_FORMAT, ...of, directories, files: kept };
};

/** Beside the archive-to-be, so that a rename is all that is left when it is whole. */
const writeArchive = async (stateDir: string, file: string, manifest: Manifest): Promise<void> => {
  const draftFolder = await mkdtemp(`${file}.`);
  try {
    const list = join(draftFolder, MANIFEST_NAME);
    await writeFile(list, JSON.stringify(manifest));
    const listed = relative(stateDir, list);
    const draft = join(draftFolder, 'archive');
    await create(
      {
        cwd: stateDir,
        file: draft,
        gzip: { level: GZIP_LEVEL },
        follow: true,
        noDirRecurse: true,
        portable: true,
        strict: true,
        onWriteEntry: (entry) => {
          if (entry.path === listed) entry.path = MANIFEST_NAME;
        },
      },
      // A name that begins with @ would be taken for an archive.
      [listed, ...[...manifest.directories, ...manifest.files.map(({ path }) => path)].map((p) => `./${p}`)],
    );
    await chmod(draft, OWNER_ONLY);
    const handle = await open(draft, 'r');
    await handle.sync().finally(() => handle.close());
    await rename(draft, file);
    await syncDirectory(dirname(file));
  } finally {
    await rm(draftFolder, { recursive: true, force: true });
  }
};
