import { SwarmError } from '../domain';
import { PACKAGED_FFMPEG, packagedFfmpeg } from './build-executable';
import type { SetupContext } from './context';
import { installDebianPackages } from './debian-packages';
import { findExecutable } from './executables';

export interface FoundFfmpeg {
  ffmpegPath: string;
  /** Null where there is none: inputs of one's own can't be probed then. */
  ffprobePath: string | null;
  how: string;
}

const HINT =
  'Install ffmpeg so that ffmpeg and ffprobe are on PATH (Debian: apt-get install ffmpeg), or set FFMPEG and FFPROBE to their paths. ' +
  `To try the swarm with generated pictures alone: FFMPEG=${PACKAGED_FFMPEG}, a build of 2018 that gets no more mends of security and has no ffprobe.`;

/**
 * ffmpeg with ffprobe: FFMPEG, PATH, the Debian package. The build of 2018 that npm installs, which has known faults,
 * decodes live media only where FFMPEG asks for it by the name of its package.
 * @throws SwarmError unavailable with the hint when no rung holds, or FFMPEG names no program
 */
export const findOrInstallFfmpeg = async (context: SetupContext): Promise<FoundFfmpeg> => {
  const { env, progress } = context;
  const find = async (ffmpeg: string, how: string): Promise<FoundFfmpeg | null> => {
    const ffmpegPath = await findExecutable(ffmpeg, env);
    const ffprobePath = await findExecutable(env.FFPROBE || 'ffprobe', env);
    return ffmpegPath === null ? null : { ffmpegPath, ffprobePath, how };
  };
  if (env.FFMPEG === PACKAGED_FFMPEG) {
    const packaged = await packagedFfmpeg();
    const ffprobePath = env.FFPROBE ? await findExecutable(env.FFPROBE, env) : null;
    if (packaged)
      return { ffmpegPath: packaged, ffprobePath, how: `npm package ${PACKAGED_FFMPEG}, as FFMPEG asks` };
    throw new SwarmError(
      'unavailable',
      `FFMPEG names ${PACKAGED_FFMPEG}, which has none for this platform.`,
      HINT,
    );
  }
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
  throw new SwarmError('unavailable', `ffmpeg was not found and could not be installed: ${why}`, HINT);
};
