import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { path as npmFfmpeg } from '@ffmpeg-installer/ffmpeg';
import { DEFAULT_BUILD_DIRS } from '../../../src/domain';
import { installPythonPackage } from '../../../src/setup/python-packages';

/** Wrappers are made there. */
process.env.SWARM_BUILD_DIRS = `${DEFAULT_BUILD_DIRS}:${tmpdir()}`;

/** ffmpeg 5.1, 2018 (4.0) and 7.0: the builds that CI has, or can have without root. */
export const IMAGEIO_FFMPEG_VERSION = '0.6.0';

export const pypiFfmpeg = async (): Promise<string> => {
  const context = { env: process.env, progress: () => undefined };
  const folder = await installPythonPackage('imageio-ffmpeg', IMAGEIO_FFMPEG_VERSION, context);
  const binaries = join(folder, 'imageio_ffmpeg', 'binaries');
  const name = readdirSync(binaries).find((file) => file.startsWith('ffmpeg'));
  if (!name) throw new Error(`no ffmpeg in ${binaries}`);
  return join(binaries, name);
};

export { npmFfmpeg };

/**
 * An ffmpeg that runs a real one with some of its arguments changed by sed: another build, made to measure. `change`
 * alters what it does without altering its file.
 */
export const wrapFfmpeg = (
  real: string,
  changes: readonly string[],
): { path: string; change: (edit: string) => void; remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-wrapper-'));
  const path = join(folder, 'ffmpeg');
  const edits = join(folder, 'edits.sed');
  writeFileSync(edits, '');
  const own = changes.map((change) => `-e '${change}'`).join(' ');
  writeFileSync(
    path,
    `#!/bin/bash
args=()
while IFS= read -r line; do args+=("$line"); done < <(printf '%s\\n' "$@" | sed -f '${edits}' ${own})
exec '${real}' "\${args[@]}"
`,
  );
  chmodSync(path, 0o755);
  return {
    path,
    change: (edit) => writeFileSync(edits, `${edit}\n`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};
