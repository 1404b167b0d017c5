import {
  SwarmError,
  type ChannelSpec,
  type EncoderBuild,
  type EncoderObservation,
  type InstalledBuild,
  type RolloutEncoder,
  type RolloutRequest,
  type RolloutState,
  type SwarmWorkflowState,
} from '../domain';
import { canTakeOver } from '.';
import { canaryChannelCount, movesAtOnce, planWaves } from './waves';

/** What a rollout is planned from. */
export interface RolloutSituation {
  request: RolloutRequest;
  builds: readonly EncoderBuild[];
  encoders: readonly EncoderObservation[];
  swarm: SwarmWorkflowState;
  /** By channel id; absent: nobody encodes it. */
  owners: ReadonlyMap<string, string>;
}

export type RolloutPlan = Pick<
  RolloutState,
  'build' | 'encoders' | 'skipped' | 'canaryChannels' | 'movesAtOnce' | 'spareUnits'
>;

const NO_FITNESS = 0.5;

const installed = ({ id, executablePath, digest }: EncoderBuild): InstalledBuild | null =>
  executablePath === undefined ? null : { buildId: id, executablePath, digest };

const wantedBuild = ({ request, builds }: RolloutSituation): { build: EncoderBuild; at: InstalledBuild } => {
  const { buildId } = request;
  const build = builds.find(({ id }) => id === buildId);
  if (!build) {
    throw new SwarmError(
      'not-found',
      `The catalogue has no build ${buildId}; it has ${builds.map(({ id }) => id).join(', ') || 'none'}.`,
      'Add it with encoder-swarm version add.',
    );
  }
  const at = installed(build);
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

/** Why an encoder is left as it is, or null. */
const skipReason = (
  encoder: EncoderObservation,
  build: EncoderBuild,
  { swarm, owners }: RolloutSituation,
): string | null => {
  if (!encoder.reachable) return 'does not answer';
  if (encoder.buildDigest === build.digest) return `runs ${build.id} already`;
  if (encoder.buildDigest === undefined) return 'does not tell which build it runs';
  const pinned = swarm.channels.find(
    ({ id, placement }) =>
      owners.get(id) === encoder.id &&
      (placement?.encoderId === encoder.id ||
        (placement?.buildId !== undefined && placement.buildId !== build.id)),
  );
  return pinned ? `carries ${pinned.id}, which is pinned to it` : null;
};

/**
 * Which encoders change to the build, in which order, and what the canary is to carry. Pure.
 * @throws SwarmError not-found, conflict, encoder-incompatible: why there can be no such rollout
 */
export const planRollout = (situation: RolloutSituation): RolloutPlan => {
  const { request, encoders, swarm, owners } = situation;
  const { build, at } = wantedBuild(situation);
  const reasons = new Map(encoders.map((e) => [e.id, skipReason(e, build, situation)]));
  const skipped = encoders.flatMap(({ id }) => {
    const why = reasons.get(id);
    return why ? [{ encoderId: id, why }] : [];
  });
  const chosen = encoders.filter(({ id }) => reasons.get(id) === null);
  if (chosen.length === 0) {
    throw new SwarmError(
      'conflict',
      `No encoder is to be upgraded: ${skipped.map((s) => `${s.encoderId} ${s.why}`).join('; ') || 'there is none'}.`,
      'Nothing needs to be done, or bring back the encoders that do not answer.',
    );
  }
  if (encoders.filter(({ reachable }) => reachable).length < 2) {
    throw new SwarmError(
      'conflict',
      'Only one encoder answers: its channels have nowhere to go meanwhile.',
      'Add an encoder.',
    );
  }
  const fromOf = new Map(chosen.map((e) => [e.id, previousBuild(e, build, situation)]));
  const fitness = new Map(swarm.lastCycle?.fitness.map((f) => [f.encoderId, f.score]));
  const waves = planWaves(
    chosen.map(({ id, zone, troubles, telemetry }) => {
      const unitsUsed = telemetry?.unitsUsed ?? 0;
      return { encoderId: id, zone, troubles, unitsUsed, fitness: fitness.get(id) ?? NO_FITNESS };
    }),
  );
  const planned: RolloutEncoder[] = waves.flatMap(({ name, encoderIds }) =>
    encoderIds.map((encoderId) => ({
      encoderId,
      zone: chosen.find(({ id }) => id === encoderId)?.zone ?? '',
      wave: name,
      from: fromOf.get(encoderId) as InstalledBuild,
      status: 'waiting',
    })),
  );
  const canary = chosen.find(({ id }) => id === planned[0]?.encoderId) as EncoderObservation;
  const units = encoders.flatMap((e) => e.telemetry?.sessions ?? []).map((session) => session.units);
  const totalUnits = units.reduce((sum, u) => sum + u, 0);
  const largestChannelUnits = Math.max(0, ...units);
  const extraUnits = totalUnits * request.policy.maxExtraEncodeFraction;
  return {
    build: at,
    encoders: planned,
    skipped,
    canaryChannels: channelsForCanary(canary, build.id, swarm.channels, owners).slice(
      0,
      canaryChannelCount(swarm.channels.length, request.policy.canaryShare),
    ),
    movesAtOnce: movesAtOnce({ extraUnits, largestChannelUnits }),
    // As for the moves, one more move must fit beside it. A swarm without channels has nothing to be sparing for.
    spareUnits: totalUnits > 0 ? Math.max(0, extraUnits - largestChannelUnits) : canary.capacityUnits,
  };
};

/** The build to go back to. Without one in the catalogue there is no way back, and so no way on. */
const previousBuild = (
  encoder: EncoderObservation,
  build: EncoderBuild,
  { builds, swarm }: RolloutSituation,
): InstalledBuild => {
  const known = builds.find(({ digest }) => digest === encoder.buildDigest);
  const from = known && installed(known);
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
  const seam = canTakeOver(running, wanted, swarm.policy);
  if (seam.ok) return from;
  throw new SwarmError(
    'encoder-incompatible',
    `${build.id} ${seam.why}.`,
    'Choose a build of the same class, or set allowDiscontinuity in the policy.',
  );
};

const classOf = ({ compatibilityClass }: EncoderBuild): { compatibilityClass?: string } =>
  compatibilityClass === null ? {} : { compatibilityClass };

/** What may go to the canary: first what it carries now. */
const channelsForCanary = (
  canary: EncoderObservation,
  buildId: string,
  channels: readonly ChannelSpec[],
  owners: ReadonlyMap<string, string>,
): string[] => {
  const isFree = ({ region, placement }: ChannelSpec): boolean =>
    region === canary.region &&
    (placement?.encoderId ?? canary.id) === canary.id &&
    (placement?.zone ?? canary.zone) === canary.zone &&
    (placement?.buildId ?? buildId) === buildId;
  const free = channels.filter((spec) => owners.has(spec.id) && isFree(spec)).map(({ id }) => id);
  const isItsOwn = (id: string): boolean => owners.get(id) === canary.id;
  return [...free.filter(isItsOwn), ...free.filter((id) => !isItsOwn(id))];
};
