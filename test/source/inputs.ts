import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InputChoice } from '../../src/domain';

const run = promisify(execFile);

export const gopTicks = 90_000;

/** Presentation times of GOP `gop` at 25 frames/s and GOPs of 1 s. */
export const framesOf = (gop: number): number[] =>
  Array.from({ length: 25 }, (_, i) => (gop * 25 + i) * 3600);

export const specOf = (url: string, choice?: InputChoice) => ({
  input: { kind: 'url', url, choice },
  framesPerSecond: 25,
  gopDurationTicks: gopTicks,
});
export const generatedSpec = { ...specOf(''), input: { kind: 'generated' } };

/** ffmpeg arguments for a moving test picture. */
export const picture = (size: string, rate: number, seconds: number): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=${rate}:duration=${seconds}`],
];
export const tone = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=duration=${seconds}`];

/** A directory of input files. */
export class InputFiles {
  private constructor(readonly directory: string) {}

  static async create(): Promise<InputFiles> {
    return new InputFiles(await mkdtemp(join(tmpdir(), 'inputs-')));
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  /** Makes a file with ffmpeg; not synchronously, as source and relay live in this process and must go on. */
  async make(name: string, ...args: string[]): Promise<string> {
    const path = join(this.directory, name);
    await run('ffmpeg', ['-v', 'error', '-y', ...args, path]);
    return path;
  }

  async write(name: string, bytes: Buffer): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, bytes);
    return path;
  }
}

/** Files for all tests of a describe, or of a file. @param use is given them before the tests that use them */
export const makeInputFiles = (use: (files: InputFiles) => void): void => {
  let files: InputFiles;
  beforeAll(async () => {
    files = await InputFiles.create();
    use(files);
  });
  afterAll(() => files.remove());
};
