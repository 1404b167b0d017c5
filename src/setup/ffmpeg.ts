import { SwarmError } from '../domain';
import { packagedFfmpeg } from './build-executable';
import type { SetupContext } from './context';
import { installDebianPackages } from './debian-packages';
import { findExecutable } from './executables';

export interface FoundFfmpeg {
  ffmpegPath: string;
  /** Null where only the build without ffprobe could be had: inputs of one's own can't be probed then. */
  ffprobePath: string | null;
  how: string;
}

const HINT =
  'Install ffmpeg so that ffmpeg and ffprobe are on PATH (Debian: apt-get install ffmpeg), or set FFMPEG and FFPROBE to their paths.';

/**
 * ffmpeg with ffprobe: FFMPEG, PATH, the Debian package, the build in npm's `@ffmpeg-installer/ffmpeg`.
 * @throws SwarmError unavailable with the hint when no rung holds, or FFMPEG names no program
 */
export const findOrInstallFfmpeg = async (context: SetupContext): Promise<FoundFfmpeg> => {
  const { env, progress } = context;
  const find = async (ffmpeg: string, how: string): Promise<FoundFfmpeg | null> => {
    const ffmpegPath = await findExecutable(ffmpeg, env);
    const ffprobePath = await findExecutable(env.FFPROBE || 'ffprobe', env);
    return ffmpegPath === null ? null : { ffmpegPath, ffprobePath, how };
  };
  if (env.FFMPEG) {
    const named = await find(env.FFMPEG, 'FFMPEG');
    if (named) return named;
    throw new SwarmError('unavailable', `FFMPEG names "${env.FFMPEG}", which is no program.`, HINT);
  }
  const onPath = await find('ffmpeg', 'PATH');
  if (onPath) return onPath;
  let why: string;
  try {
    await installDebianPackages(['ffmpeg'], context);
    const installed = await find('ffmpeg', 'Debian package ffmpeg');
    if (installed) return installed;
    why = 'the Debian package brought no ffmpeg';
  } catch (error) {
    why = (error as Error).message;
    progress(why);
  }
  const packaged = await packagedFfmpeg();
  if (packaged)
    return { ffmpegPath: packaged, ffprobePath: null, how: 'npm package @ffmpeg-installer/ffmpeg' };
  throw new SwarmError('unavailable', `ffmpeg was not found and could not be installed: ${why}`, HINT);
};
