import type { CellForecast, EncoderObservation, Fitness, Policy, SwarmSnapshot } from '../domain';
import { stepAt } from '../forecast';
import {
  freshness,
  headroomTerm,
  qualityTerm,
  scoreOf,
  stabilityTerm,
  versionTerm,
  weakestTermOf,
  zoneTerm,
  type FitnessTerms,
} from './terms';

const NOTHING: FitnessTerms = { headroom: 0, quality: 0, version: 0, zone: 0, stability: 0 };

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Highest sum, over the forecast's steps that are not over yet, of the P90 units of these channels. */
const peakUnitsOf = (channelIds: readonly string[], forecast: CellForecast, atMs: number): number => {
  let peak = 0;
  for (let step = stepAt(forecast, atMs); step < forecast.horizonSteps; step++) {
    const sum = channelIds.reduce((s, id) => s + (forecast.channelUnits[id]?.p90[step] ?? 0), 0);
    peak = Math.max(peak, sum);
  }
  return peak;
};

/**
 * Judges every encoder of a snapshot. The order of the snapshot's arrays does not matter.
 *
 * - headroom: free below the limit, now (telemetry) and at the forecast's P90 peak under today's placement
 * - quality: do its sessions keep up with real time, and how many GOPs came late
 * - version: share of the swarm on the same builds
 * - zone: does its zone answer, and does it carry no more than its share
 * - stability: recent crashes and failed handoffs
 *
 * Headroom, quality and zone rest on telemetry: the older it is, the less they are worth. An encoder that does
 * not answer scores 0.
 *
 * @returns one Fitness per encoder, ordered by id
 */
export const fitnessOf = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  policy: Policy,
): Fitness[] => {
  const encoders = [...snapshot.encoders].sort(byId);
  const reachable = encoders.filter((e) => e.reachable);
  const unitsOf = (encoder: EncoderObservation): number =>
    encoder.reachable ? (encoder.telemetry?.unitsUsed ?? 0) : 0;

  return encoders.map((encoder) => {
    if (!encoder.reachable) {
      return { encoderId: encoder.id, score: 0, terms: NOTHING, weakestTerm: weakestTermOf(NOTHING) };
    }
    const owned = snapshot.channels
      .filter((c) => c.owner?.encoderId === encoder.id)
      .map((c) => c.spec.id)
      .sort();
    const nowUnits = unitsOf(encoder);
    const peakUnits = forecast ? peakUnitsOf(owned, forecast, snapshot.atMs) : nowUnits;
    const fresh = freshness(encoder.telemetry?.atMs, snapshot.atMs);
    const terms: FitnessTerms = {
      headroom: fresh * headroomTerm(nowUnits, peakUnits, encoder.capacityUnits * policy.limitFraction),
      quality: fresh * qualityTerm(encoder.telemetry?.sessions ?? []),
      version: versionTerm(encoder, reachable),
      zone: fresh * zoneTerm(encoder, encoders, unitsOf),
      stability: stabilityTerm(encoder.troubles),
    };
    return { encoderId: encoder.id, score: scoreOf(terms), terms, weakestTerm: weakestTermOf(terms) };
  });
};
