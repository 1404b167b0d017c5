import { realpath } from 'node:fs/promises';
import { SwarmError, type AddBuildRequest, type EncoderBuild } from '../../domain';
import { sha256OfFile } from '../../platform/file-digest';
import { findBuildExecutable } from '../../setup';
import { detectFfmpeg } from '../encoder/ffmpeg-capabilities';
import { listCapabilities } from './list-capabilities';

/**
 * Finds or fetches the executable of a build on this machine, and describes it.
 * @throws SwarmError not-found, unavailable (it could not be fetched), conflict (another digest than the given one),
 * encoder-incompatible (no libx264), bad-request
 */
export const resolveBuild = async (
  { id, source, digest }: AddBuildRequest,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<EncoderBuild> => {
  const unknown = { compatibilityClass: null, probedAtMs: null };
  if (source.kind === 'container') {
    if (digest !== undefined) {
      return { id, source, digest, ffmpegVersion: source.image, capabilities: [], ...unknown };
    }
    throw new SwarmError(
      'bad-request',
      `Nobody can look into the image ${source.image} from here.`,
      'Give the SHA-256 of the ffmpeg in it (sha256sum) as digest.',
    );
  }
  const executablePath = await realpath(await findBuildExecutable(source, env, signal));
  const measured = await sha256OfFile(executablePath);
  if (digest !== undefined && digest !== measured) {
    throw new SwarmError(
      'conflict',
      `${executablePath} has SHA-256 ${measured}, not ${digest}.`,
      'Check where it comes from; give its own digest, or none.',
    );
  }
  const ffmpeg = await detectFfmpeg(executablePath);
  if (!ffmpeg.hasLibx264) {
    throw new SwarmError(
      'encoder-incompatible',
      `${executablePath} was built without libx264, which sessions need.`,
      'Take a build with libx264.',
    );
  }
  const capabilities = await listCapabilities(ffmpeg, signal);
  return {
    id,
    digest: measured,
    source,
    executablePath,
    ffmpegVersion: ffmpeg.version,
    capabilities,
    ...unknown,
  };
};
