import { SwarmError } from '../../domain';
import { runConfined } from '../../platform/processes/confined';

const PROBE_DEADLINE_MS = 10_000;

/** What one ffmpeg build can do, asked of the build itself. */
export interface FfmpegCapabilities {
  path: string;
  /** First line of `ffmpeg -version` without the words "ffmpeg version". */
  version: string;
  hasLibx264: boolean;
  /** Builds from 5.1 on; older ones say `-vsync 0`. */
  hasFpsMode: boolean;
  /** It has zscale and tonemap. */
  canMapTones: boolean;
}

/** libavcodec of ffmpeg 5.1, the first that knows -fps_mode. */
const FPS_MODE_SINCE = { major: 59, minor: 37 };

/** Reads what `ffmpeg -version` prints. @throws Error when it is not ffmpeg's. */
export const parseVersion = (text: string): Omit<FfmpegCapabilities, 'path'> => {
  const version = /^ffmpeg version (.+)$/m.exec(text)?.[1];
  const codec = /^libavcodec\s+(\d+)\.\s*(\d+)\./m.exec(text);
  if (!version || !codec) throw new Error('it does not answer -version as ffmpeg does');
  const [major, minor] = [Number(codec[1]), Number(codec[2])];
  return {
    version: version.replace(/ Copyright.*$/, '').trim(),
    hasLibx264: /--enable-libx264\b/.test(text),
    hasFpsMode:
      major > FPS_MODE_SINCE.major || (major === FPS_MODE_SINCE.major && minor >= FPS_MODE_SINCE.minor),
    canMapTones: /--enable-libzimg\b/.test(text),
  };
};

/** @throws SwarmError unavailable when there is no such program or it is not ffmpeg. */
export const detectFfmpeg = async (path: string): Promise<FfmpegCapabilities> => {
  try {
    const { stdout } = await runConfined(path, ['-version'], { timeout: PROBE_DEADLINE_MS });
    return { path, ...parseVersion(stdout) };
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `${path} can't be used as ffmpeg: ${(error as Error).message.trim()}.`,
      'Install ffmpeg, or set FFMPEG to the path of a build that runs here.',
    );
  }
};
