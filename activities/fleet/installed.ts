import { SwarmError, type EncoderBuild, type InstalledBuild } from '../../src/domain';

/**
 * A build of the catalogue as fleets take it.
 * @throws SwarmError encoder-incompatible for a container image
 */
export const installedBuildOf = ({ id, executablePath, digest, source }: EncoderBuild): InstalledBuild => {
  if (executablePath !== undefined) return { buildId: id, executablePath, digest };
  const image = source.kind === 'container' ? source.image : 'unknown';
  throw new SwarmError(
    'encoder-incompatible',
    `Build ${id} is the container image ${image}: the fleet of this cell runs executables and can't start it.`,
    'Roll the image out with what runs your containers, or add its ffmpeg by path.',
  );
};
