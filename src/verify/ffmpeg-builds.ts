import type { Environment } from '../config/config';
import { packagedFfmpeg } from '../setup';

/**
 * The builds of ffmpeg that a verifier decodes with: the one of the environment, and the one that comes with
 * npm's @ffmpeg-installer/ffmpeg, from 2018, where that exists for this machine. Two decoders that agree are
 * not fooled by the quirks of one.
 */
export const verifierFfmpegPaths = async ({ FFMPEG }: Pick<Environment, 'FFMPEG'>): Promise<string[]> => {
  const packaged = await packagedFfmpeg();
  return packaged === null || packaged === FFMPEG ? [FFMPEG] : [FFMPEG, packaged];
};
