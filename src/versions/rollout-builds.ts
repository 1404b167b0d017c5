import {
  SwarmError,
  type EncoderBuild,
  type EncoderObservation,
  type InstalledBuild,
  type Policy,
} from '../domain';
import { executableBuild } from './installed-build';
import { canTakeOver } from './take-over';

/**
 * The build that a rollout brings.
 * @throws SwarmError not-found; conflict: it can't be rolled out, since it is a container image or was not probed
 */
export const wantedBuild = (
  buildId: string,
  builds: readonly EncoderBuild[],
): { build: EncoderBuild; at: InstalledBuild } => {
  const build = builds.find(({ id }) => id === buildId);
  if (!build) {
    throw new SwarmError(
      'not-found',
      `The catalogue has no build ${buildId}; it has ${builds.map(({ id }) => id).join(', ') || 'none'}.`,
      'Add it with encoder-swarm version add.',
    );
  }
  const at = executableBuild(build);
  if (!at) {
    throw new SwarmError(
      'conflict',
      `${buildId} is a container image: this swarm starts encoders from executables.`,
      'Roll it out with the tool that runs the containers.',
    );
  }
  if (build.compatibilityClass === null) {
    throw new SwarmError(
      'conflict',
      `${buildId} was not probed: nobody knows whether it may take channels over.`,
      `Probe it first: encoder-swarm version probe ${buildId}.`,
    );
  }
  return { build, at };
};

/**
 * The build that an encoder goes back to. Without one in the catalogue there is no way back, and so no way on.
 * @throws SwarmError conflict: not in the catalogue; encoder-incompatible: the new build can't follow it
 */
export const previousBuild = (
  encoder: EncoderObservation,
  build: EncoderBuild,
  { builds, policy }: { builds: readonly EncoderBuild[]; policy: Pick<Policy, 'allowDiscontinuity'> },
): InstalledBuild => {
  const known = builds.find(({ digest }) => digest === encoder.buildDigest);
  const from = known && executableBuild(known);
  if (!known || !from) {
    throw new SwarmError(
      'conflict',
      `${encoder.id} runs a build that is not in the catalogue (SHA-256 ${encoder.buildDigest?.slice(0, 12)}…): ` +
        'there would be no way back.',
      'Add that build first: encoder-swarm version add.',
    );
  }
  const running = { buildDigest: known.digest, buildId: known.id, ...classOf(known) };
  const wanted = { buildDigest: build.digest, buildId: build.id, ...classOf(build) };
  const seam = canTakeOver(running, wanted, policy);
  if (seam.ok) return from;
  throw new SwarmError(
    'encoder-incompatible',
    `${build.id} ${seam.why}.`,
    'Choose a build of the same class, or set allowDiscontinuity in the policy.',
  );
};

const classOf = ({ compatibilityClass }: EncoderBuild): { compatibilityClass?: string } =>
  compatibilityClass === null ? {} : { compatibilityClass };
