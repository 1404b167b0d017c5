import { chmod, stat } from 'node:fs/promises';
import type { Environment } from '../config/config';

/**
 * The builds of ffmpeg that a verifier decodes with: the one of the environment, and the one that comes with
 * npm's @ffmpeg-installer/ffmpeg, from 2018, where that exists for this machine. Two decoders that agree are
 * not fooled by the quirks of one.
 */
export const verifierFfmpegPaths = async (environment: Pick<Environment, 'FFMPEG'>): Promise<string[]> => {
  const paths = [environment.FFMPEG];
  try {
    const { path } = await import('@ffmpeg-installer/ffmpeg');
    const { mode } = await stat(path);
    if ((mode & 0o100) === 0) await chmod(path, mode | 0o100);
    if (path !== environment.FFMPEG) paths.push(path);
  } catch {
    // No such build for this platform, or it can't be made to run: one decoder has to do.
  }
  return paths;
};
