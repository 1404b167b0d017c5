import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { Deadline } from '../platform/deadline';
import { sha256OfFile } from '../platform/file-digest';
import type { SetupContext } from './context';
import { freshFolder } from './fresh-folder';
import { installWithGo } from './go-install';

/** The newest CLI that `go install` takes: later ones have a replace directive in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';

/** SHA-256 of the released archives, by platform and architecture. What is downloaded must be one of these. */
const RELEASED: Record<string, { name: string; sha256: string }> = {
  'linux-x64': {
    name: 'linux_amd64',
    sha256: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  },
  'linux-arm64': {
    name: 'linux_arm64',
    sha256: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  },
  'darwin-x64': {
    name: 'darwin_amd64',
    sha256: 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  },
  'darwin-arm64': {
    name: 'darwin_arm64',
    sha256: 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
  },
};
const RELEASES_URL = `https://github.com/temporalio/cli/releases/download/${TEMPORAL_CLI_VERSION}`;

const ANSWER_LIMIT_MS = 15_000;
const DOWNLOAD_LIMIT_MS = 300_000;
const MOST_ARCHIVE_BYTES = 512 * 2 ** 20;
const BYTES_PER_MIB = 2 ** 20;

const fetchTo = async (url: string, file: string, context: SetupContext): Promise<void> => {
  const deadline = new Deadline(DOWNLOAD_LIMIT_MS, context.signal);
  const unanswered = new Deadline(ANSWER_LIMIT_MS, deadline.signal);
  try {
    const answer = await fetch(url, { signal: unanswered.signal }).finally(() => unanswered.end());
    if (!answer.ok || !answer.body) throw new Error(`it was answered with ${answer.status}`);
    let bytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _, done) {
        bytes += chunk.length;
        context.progress(`${(bytes / BYTES_PER_MIB).toFixed(0)} MiB of the Temporal CLI`);
        if (bytes > MOST_ARCHIVE_BYTES) done(new Error('it is larger than any release'));
        else done(null, chunk);
      },
    });
    const { signal } = deadline;
    await pipeline(Readable.fromWeb(answer.body), counted, createWriteStream(file), { signal });
  } finally {
    deadline.end();
  }
};

/**
 * Downloads the released CLI, from GitHub or from the mirror that TEMPORAL_DOWNLOAD_URL names, and takes the program out
 * of it if the archive has the digest that is written down here. Without a network it fails within a second.
 * @returns where the program is
 * @throws Error that says why it can't be had
 */
export const downloadTemporal = async (
  context: SetupContext,
  released = RELEASED[`${process.platform}-${process.arch}`],
): Promise<string> => {
  const fail = (why: string): Error => new Error(`the download failed: ${why}`);
  if (!released) throw fail(`there is no release for ${process.platform} on ${process.arch}`);
  const base = (context.env.TEMPORAL_DOWNLOAD_URL || RELEASES_URL).replace(/\/$/, '');
  const url = `${base}/temporal_cli_${TEMPORAL_CLI_VERSION.slice(1)}_${released.name}.tar.gz`;
  const folder = await freshFolder(context, 'temporal-download');
  try {
    context.progress(`downloading ${url}`);
    const archive = join(folder, 'archive.tar.gz');
    await fetchTo(url, archive, context);
    const sha256 = await sha256OfFile(archive);
    if (sha256 !== released.sha256)
      throw new Error(`${url} has SHA-256 ${sha256}, and not ${released.sha256} as the release has`);
    const isProgram = (path: string): boolean => posix.normalize(path) === 'temporal';
    await extract({ file: archive, cwd: folder, strict: true, filter: isProgram });
    await rm(archive);
    return join(folder, 'temporal');
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const { message, cause } = error as Error;
    throw fail(cause instanceof Error ? `${message}, ${cause.message}` : message);
  }
};

/**
 * Builds the CLI with Go: 3 to 6 minutes on 2 cores the first time. Go checks what it downloads against its checksum
 * database.
 * @returns where the program is
 * @throws Error that says why it can't be had
 */
export const buildTemporalWithGo = (context: SetupContext): Promise<string> =>
  installWithGo(context, {
    packageAtVersion: `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI_VERSION}`,
    aboutPackages: 1_300,
  });
