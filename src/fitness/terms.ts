import type { EncoderObservation, Fitness, Policy } from '../domain';

export type FitnessTerms = Fitness['terms'];
export type FitnessWeights = Policy['fitnessWeights'];

const TERM_NAMES: readonly (keyof FitnessTerms)[] = ['headroom', 'quality', 'version', 'zone', 'stability'];

/** Telemetry up to this old counts as fresh; from then on its worth falls to nothing over STALE_SPAN_MS. */
const FRESH_FOR_MS = 3_000;
const STALE_SPAN_MS = 12_000;

export const clamp01 = (value: number): number => (value > 0 ? Math.min(1, value) : 0);

const totalOf = (weights: FitnessWeights): number => TERM_NAMES.reduce((sum, name) => sum + weights[name], 0);

/** Weighted mean of the terms, in [0, 1]. */
export const scoreOf = (terms: FitnessTerms, weights: FitnessWeights): number =>
  clamp01(TERM_NAMES.reduce((sum, name) => sum + weights[name] * terms[name], 0) / totalOf(weights));

/** The term that costs the score most. */
export const weakestTermOf = (terms: FitnessTerms, weights: FitnessWeights): keyof FitnessTerms =>
  TERM_NAMES.reduce((worst, name) =>
    weights[name] * (1 - terms[name]) > weights[worst] * (1 - terms[worst]) ? name : worst,
  );

/**
 * Room left below the limit: the mean of what is free now and of what is free at the forecast's P90 peak.
 *
 * @param limitUnits capacity x limitFraction
 */
export const headroomTerm = (nowUnits: number, peakUnits: number, limitUnits: number): number =>
  limitUnits > 0 ? (clamp01(1 - nowUnits / limitUnits) + clamp01(1 - peakUnits / limitUnits)) / 2 : 0;

/** Share of the encoders with the same host version, and with an interchangeable build: the mean of the two. */
export const versionTerm = (sameVersion: number, sameBuild: number, all: number): number =>
  all > 0 ? (sameVersion + sameBuild) / (2 * all) : 0;

/** An encoder's zone beside the whole swarm. Units may be of any one size. */
export interface ZoneShare {
  encoders: number;
  reachable: number;
  capacity: number;
  load: number;
  swarmCapacity: number;
  swarmLoad: number;
}

/**
 * Health of the encoder's zone (share of its encoders that answer) times how little the zone carries beyond its
 * share of the swarm's capacity: an overfull zone is too much to lose at once.
 */
export const zoneTerm = (zone: ZoneShare): number => {
  const capacityShare = zone.capacity / zone.swarmCapacity;
  const loadShare = zone.swarmLoad > 0 ? zone.load / zone.swarmLoad : 0;
  const balance = loadShare > capacityShare ? capacityShare / loadShare : 1;
  return clamp01((zone.reachable / zone.encoders) * balance);
};

/** Halves with the first trouble, a third is left with two, … */
export const stabilityTerm = (troubles: EncoderObservation['troubles']): number =>
  clamp01(1 / (1 + Math.max(0, troubles)));

/** 1 for fresh telemetry, falling to 0; what is judged by telemetry is worth no more than this. */
export const freshness = (telemetryAtMs: number | undefined, nowMs: number): number =>
  telemetryAtMs === undefined
    ? 0
    : clamp01(1 - Math.max(0, nowMs - telemetryAtMs - FRESH_FOR_MS) / STALE_SPAN_MS);
