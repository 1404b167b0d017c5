import { SwarmError, type EncoderBuild, type InstalledBuild } from '../domain';

/** A build of the catalogue as fleets take it; null for a container image, which has no executable here. */
export const executableBuild = ({ id, executablePath, digest }: EncoderBuild): InstalledBuild | null =>
  executablePath === undefined ? null : { buildId: id, executablePath, digest };

/**
 * A build of the catalogue as fleets take it.
 * @throws SwarmError encoder-incompatible for a container image
 */
export const installedBuildOf = (build: EncoderBuild): InstalledBuild => {
  const installed = executableBuild(build);
  if (installed) return installed;
  const { id, source } = build;
  const image = source.kind === 'container' ? source.image : 'unknown';
  throw new SwarmError(
    'encoder-incompatible',
    `Build ${id} is the container image ${image}: the fleet of this cell runs executables and can't start it.`,
    'Roll the image out with what runs your containers, or add its ffmpeg by path.',
  );
};
