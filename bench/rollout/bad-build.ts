import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BadBuild } from './options';

/** Quantises coarsely: right frames, parameter sets and times, of lesser quality. */
const WORSE =
  'for a in "$@"; do case "$a" in force-cfr=0) a="$a:qpmin=38";; esac; set -- "$@" "$a"; shift; done';

/**
 * Encodes well for a while, then stands still as a process that hangs does. What a catalogue or a self-test encodes
 * is over by then.
 */
const stallAfter = (seconds: number): string =>
  `case "$*" in *pipe:0*) ( sleep ${seconds}; kill -STOP $$ ) </dev/null >/dev/null 2>&1 3>&- & ;; esac`;

/**
 * Writes a build of ffmpeg that is bad in one way, around a real one. It keeps the real one's process id, so that
 * whoever ends it ends ffmpeg.
 * @param random decides when it stalls: 8 to 16 s after a session began
 * @returns path of the executable
 */
export const writeBadBuild = async (options: {
  kind: BadBuild;
  ffmpegPath: string;
  folder: string;
  random: () => number;
}): Promise<string> => {
  const path = join(options.folder, `ffmpeg-${options.kind}`);
  const fault = options.kind === 'worse' ? WORSE : stallAfter(Math.round(8 + 8 * options.random()));
  await writeFile(path, `#!/bin/sh\n${fault}\nexec ${JSON.stringify(options.ffmpegPath)} "$@"\n`);
  await chmod(path, 0o755);
  return path;
};
