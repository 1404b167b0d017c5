import {
  SwarmError,
  type ChannelSpec,
  type EncoderBuild,
  type EncoderObservation,
  type Fitness,
  type RolloutEncoder,
  type RolloutRequest,
  type RolloutState,
  type SwarmWorkflowState,
} from '../domain';
import { previousBuild, wantedBuild } from './rollout-builds';
import { canaryChannelCount, movesAtOnce, planWaves } from './waves';

/** What a rollout is planned from. */
export interface RolloutSituation {
  request: RolloutRequest;
  builds: readonly EncoderBuild[];
  encoders: readonly EncoderObservation[];
  swarm: SwarmWorkflowState;
  /** By channel id; absent: nobody encodes it. */
  owners: ReadonlyMap<string, string>;
  /** Of every encoder that has been judged, by the last cycle. */
  fitness: readonly Pick<Fitness, 'encoderId' | 'score'>[];
}

export type RolloutPlan = Pick<
  RolloutState,
  'build' | 'encoders' | 'skipped' | 'canaryChannels' | 'movesAtOnce' | 'spareUnits'
>;

const NO_FITNESS = 0.5;

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

/** Encoders that change to the build, and those that are left as they are. @throws SwarmError conflict */
const chooseEncoders = (
  build: EncoderBuild,
  situation: RolloutSituation,
): { chosen: EncoderObservation[]; skipped: RolloutState['skipped'] } => {
  const { encoders } = situation;
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
  return { chosen, skipped };
};

/** The chosen encoders in the order of their waves. @throws SwarmError where one could not go back */
const inWaves = (
  chosen: readonly EncoderObservation[],
  build: EncoderBuild,
  { builds, swarm, fitness }: RolloutSituation,
): RolloutEncoder[] => {
  const { policy } = swarm;
  const candidates = new Map(
    chosen.map((encoder) => [
      encoder.id,
      { encoder, from: previousBuild(encoder, build, { builds, policy }) },
    ]),
  );
  const scores = new Map(fitness.map((f) => [f.encoderId, f.score]));
  const waves = planWaves(
    chosen.map(({ id, zone, troubles, telemetry }) => {
      const unitsUsed = telemetry?.unitsUsed ?? 0;
      return { encoderId: id, zone, troubles, unitsUsed, fitness: scores.get(id) ?? NO_FITNESS };
    }),
  );
  return waves.flatMap(({ name, encoderIds }) =>
    encoderIds.flatMap((encoderId) => {
      const candidate = candidates.get(encoderId);
      if (!candidate) return [];
      const { encoder, from } = candidate;
      return [{ encoderId, zone: encoder.zone, wave: name, from, status: 'waiting' as const }];
    }),
  );
};

/**
 * Which encoders change to the build, in which order, and what the canary is to carry.
 * @throws SwarmError not-found, conflict, encoder-incompatible: why there can be no such rollout
 */
export const planRollout = (situation: RolloutSituation): RolloutPlan => {
  const { request, builds, encoders, swarm, owners } = situation;
  const { build, at } = wantedBuild(request.buildId, builds);
  const { chosen, skipped } = chooseEncoders(build, situation);
  const planned = inWaves(chosen, build, situation);
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
