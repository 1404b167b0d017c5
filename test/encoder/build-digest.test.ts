import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { path as npmFfmpeg } from '@ffmpeg-installer/ffmpeg';
import { startHost } from './support/test-host';

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const ffmpegOnPath = realpathSync(
  execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim(),
);

/** The digest once the host knows it: a description does not wait for a slow disk. */
const digestOf = async ({ client }: Awaited<ReturnType<typeof startHost>>): Promise<string> => {
  for (;;) {
    const { buildDigest } = await client.describe();
    if (buildDigest !== undefined) return buildDigest;
    await sleep(100);
  }
};

test('a host tells the SHA-256 of the ffmpeg that PATH gives it', async () => {
  const swarm = await startHost();
  try {
    expect(await digestOf(swarm)).toBe(sha256(ffmpegOnPath));
  } finally {
    await swarm.stop();
  }
});

test('links are followed, and an executable that is replaced is hashed anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-digest-'));
  const [link, target, other] = ['link', 'target', 'other'].map((name) => join(folder, name));
  copyFileSync(ffmpegOnPath, target!);
  symlinkSync(target!, link!);
  const swarm = await startHost({ ffmpegPath: link! });
  try {
    expect(await digestOf(swarm)).toBe(sha256(ffmpegOnPath));
    copyFileSync(npmFfmpeg, other!);
    renameSync(other!, target!);
    expect(await digestOf(swarm)).toBe(sha256(npmFfmpeg));
  } finally {
    await swarm.stop();
    rmSync(folder, { recursive: true });
  }
});
