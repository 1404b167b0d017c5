import type { EncoderObservation, Fitness, SessionInfo } from '../domain';

export type FitnessTerms = Fitness['terms'];

/** What each term is worth; they sum to 1. Headroom and quality decide, the others break near ties. */
const TERM_WEIGHTS: FitnessTerms = {
  headroom: 0.4,
  quality: 0.25,
  version: 0.1,
  zone: 0.1,
  stability: 0.15,
};
const TERM_NAMES = Object.keys(TERM_WEIGHTS) as (keyof FitnessTerms)[];

/** Telemetry up to this old counts as fresh; from then on its worth falls to nothing over STALE_SPAN_MS. */
const FRESH_FOR_MS = 3_000;
const STALE_SPAN_MS = 12_000;
/** So many late GOPs halve a session's quality. */
const LATE_GOPS_HALVING = 5;

const clamp01 = (value: number): number => (value > 0 ? Math.min(1, value) : 0);

/** Weighted mean of the terms, in [0, 1]. */
export const scoreOf = (terms: FitnessTerms): number =>
  clamp01(TERM_NAMES.reduce((sum, name) => sum + TERM_WEIGHTS[name] * terms[name], 0));

/** The term that costs the score most. */
export const weakestTermOf = (terms: FitnessTerms): keyof FitnessTerms =>
  TERM_NAMES.reduce((worst, name) =>
    TERM_WEIGHTS[name] * (1 - terms[name]) > TERM_WEIGHTS[worst] * (1 - terms[worst]) ? name : worst,
  );

/**
 * Room left below the limit: the mean of what is free now and of what is free at the forecast's P90 peak.
 *
 * @param limitUnits capacity x limitFraction
 */
export const headroomTerm = (nowUnits: number, peakUnits: number, limitUnits: number): number =>
  limitUnits > 0 ? (clamp01(1 - nowUnits / limitUnits) + clamp01(1 - peakUnits / limitUnits)) / 2 : 0;

const sessionQuality = (session: SessionInfo): number =>
  clamp01(session.realTimeRatio) * 2 ** (-Math.max(0, session.lateGops) / LATE_GOPS_HALVING);

/** How well its sessions keep up: mean over those that have encoded a GOP; 1 without any. */
export const qualityTerm = (sessions: readonly SessionInfo[]): number => {
  const qualities = sessions
    .filter((s) => s.state !== 'released' && s.lastEncodedGop >= 0)
    .map(sessionQuality)
    .sort((a, b) => a - b);
  return qualities.length > 0 ? clamp01(qualities.reduce((sum, q) => sum + q, 0) / qualities.length) : 1;
};

/** Share of the reachable encoders that run the same host version, and the same ffmpeg: the mean of the two. */
export const versionTerm = (
  encoder: EncoderObservation,
  reachable: readonly EncoderObservation[],
): number => {
  if (reachable.length === 0) return 0;
  const share = (same: (other: EncoderObservation) => boolean): number =>
    reachable.filter(same).length / reachable.length;
  return (
    (share((o) => o.version === encoder.version) + share((o) => o.ffmpegVersion === encoder.ffmpegVersion)) /
    2
  );
};

/**
 * Health of the encoder's zone (share of its encoders that answer) times how little the zone carries beyond its
 * share of the swarm's capacity: an overfull zone is too much to lose at once.
 */
export const zoneTerm = (
  encoder: EncoderObservation,
  all: readonly EncoderObservation[],
  unitsOf: (encoder: EncoderObservation) => number,
): number => {
  const mates = all.filter((o) => o.zone === encoder.zone);
  const health = mates.filter((o) => o.reachable).length / mates.length;
  const sum = (list: readonly EncoderObservation[], of: (o: EncoderObservation) => number): number =>
    list.reduce((total, o) => total + of(o), 0);
  const capacityShare = sum(mates, (o) => o.capacityUnits) / sum(all, (o) => o.capacityUnits);
  const load = sum(all, unitsOf);
  const loadShare = load > 0 ? sum(mates, unitsOf) / load : 0;
  const balance = loadShare > capacityShare ? capacityShare / loadShare : 1;
  return clamp01(health * balance);
};

/** Halves with the first trouble, a third is left with two, … */
export const stabilityTerm = (troubles: number): number => clamp01(1 / (1 + Math.max(0, troubles)));

/** 1 for fresh telemetry, falling to 0; what is judged by telemetry is worth no more than this. */
export const freshness = (telemetryAtMs: number | undefined, nowMs: number): number =>
  telemetryAtMs === undefined
    ? 0
    : clamp01(1 - Math.max(0, nowMs - telemetryAtMs - FRESH_FOR_MS) / STALE_SPAN_MS);
