import { z } from 'zod';
import {
  SwarmError,
  buildSourceSchema,
  digestSchema,
  idSchema,
  versionsControl,
  versionsWorkflowId,
  type AddBuildRequest,
  type BuildProbe,
  type EncoderBuild,
  type SynchronisationFault,
} from '../../src/domain';
import { verifyInstalled } from '../../src/fleet/installed-build';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { PROBE_CASES, combineCases, measureCase, type MeasuredBuild } from '../../src/media/probe';
import { resolveBuild } from '../../src/media/probe';
import { deadlinesMs } from '../../src/observation/deadlines';
import { withinOrNull } from '../../src/platform/deadline';
import { parseOrRefuse } from '../../src/platform/http';
import { installedBuildOf } from '../../src/versions';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { UpdatePlan } from '../kit/types';

export const addBuildSchema: z.ZodType<AddBuildRequest> = z
  .strictObject({ id: idSchema, source: buildSourceSchema, digest: digestSchema.optional() })
  .transform(({ digest, ...rest }) => ({ ...rest, ...(digest !== undefined && { digest }) }));

/** Activities on builds of the catalogue, on this machine. */
export const buildActivities = ({ ffmpegPath }: Pick<Dependencies, 'ffmpegPath'>) => ({
  /** See resolveBuild in src/media/probe. Fetching twice gives the same folder. */
  resolveBuild: (given: AddBuildRequest): Promise<EncoderBuild> =>
    withHeartbeats((signal) =>
      resolveBuild(parseOrRefuse(addBuildSchema, given, 'build'), process.env, signal),
    ),

  /** Names of the cases of a probe, in their order. */
  async listProbeCases(): Promise<string[]> {
    return PROBE_CASES.map((probeCase) => probeCase.name);
  },

  /** @throws SwarmError encoder-incompatible, conflict (the executable was replaced), not-found, unavailable */
  probeCase: ({ build, caseName }: { build: EncoderBuild; caseName: string }): Promise<BuildProbe> =>
    withHeartbeats(async (signal) => {
      const probeCase = PROBE_CASES.find((known) => known.name === caseName);
      if (!probeCase) throw new SwarmError('bad-request', `There is no probe case ${caseName}.`);
      const installed = installedBuildOf(build);
      await verifyInstalled(installed, process.env);
      const ffmpeg = await detectFfmpeg(installed.executablePath);
      return measureCase(ffmpeg, probeCase, { clipFfmpegPath: ffmpegPath, signal });
    }),

  /** Derives the compatibility class from all cases. */
  async classify({ cases }: { cases: BuildProbe[] }): Promise<MeasuredBuild> {
    return combineCases(cases);
  },

  /** @throws SwarmError encoder-incompatible (container image), not-found, conflict */
  async requireInstalled({ build }: { build: EncoderBuild }): Promise<void> {
    await verifyInstalled(installedBuildOf(build), process.env);
  },
});

/** Activities on which encoder runs which build. */
export const versionActivities = ({
  cell,
  origin,
  encoders,
  versions,
  temporal,
}: Pick<Dependencies, 'cell' | 'origin' | 'encoders' | 'versions' | 'temporal'>) => {
  /** Undefined where the host does not answer, or does not tell. */
  const digestOn = async (encoderId: string): Promise<string | undefined> => {
    const describe = async () =>
      (await encoders.client(encoderId)).describe({ deadlineMs: deadlinesMs.observe });
    return (await withinOrNull(deadlinesMs.observe, describe()))?.buildDigest;
  };

  return {
    /**
     * What synchronising an encoder needs. Looked up when it begins: the target may have changed since.
     * @throws SwarmError not-found (the catalogue lacks the build); encoder-incompatible, conflict (see requireInstalled)
     */
    async planUpdate({ encoderId, buildId }: { encoderId: string; buildId: string }): Promise<UpdatePlan> {
      const [{ builds }, running] = await Promise.all([
        versions.read({ isCurrent: true }),
        digestOn(encoderId),
      ]);
      const wanted = builds.find((build) => build.id === buildId);
      if (!wanted) throw new SwarmError('not-found', `The catalogue has no build ${buildId} any more.`);
      const build = installedBuildOf(wanted);
      await verifyInstalled(build, process.env);
      const runs = builds.find((known) => known.digest === running && known.executablePath !== undefined);
      return { build, before: runs ? installedBuildOf(runs) : null };
    },

    /** No encoder is synchronised until the target is set again. */
    async haltSynchronisation(fault: SynchronisationFault): Promise<void> {
      await temporal()
        .workflow.getHandle(versionsWorkflowId(cell))
        .executeUpdate<void, [SynchronisationFault]>(versionsControl.halt, { args: [fault] });
    },

    /** @throws SwarmError unknown-channel */
    async requireChannel({ channelId }: { channelId: string }): Promise<void> {
      await origin.channel(channelId);
    },

    /** Encoders that say that they run this executable; those that do not answer are left out. */
    async encodersRunning({ digest }: { digest: string }): Promise<string[]> {
      const fleet = await encoders.list();
      const running = await Promise.all(
        fleet.map(async ({ id }) => ((await digestOn(id)) === digest ? [id] : [])),
      );
      return running.flat();
    },
  };
};
