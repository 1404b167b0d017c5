import type { CellForecast, EncoderObservation, Fitness, Policy, SwarmSnapshot } from '../domain';
import { stepAt } from '../forecast';
import { Peers } from './quality';
import {
  freshness,
  headroomTerm,
  scoreOf,
  stabilityTerm,
  versionTerm,
  weakestTermOf,
  zoneTerm,
  type FitnessTerms,
  type ZoneShare,
} from './terms';

const NOTHING: FitnessTerms = { headroom: 0, quality: 0, version: 0, zone: 0, stability: 0 };
/** Units are summed in whole grains, so that the order of the snapshot's arrays does not matter. */
const GRAINS_PER_UNIT = 1e8;

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const grains = (units: number): number => Math.round(units * GRAINS_PER_UNIT);
const increment = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

const grainsUsed = ({ reachable, telemetry }: EncoderObservation): number =>
  reachable ? grains(telemetry?.unitsUsed ?? 0) : 0;

/**
 * By encoder id: highest sum, over the forecast's steps that are not over yet, of the P90 units of its channels.
 * Grains.
 */
const peaksUnder = (snapshot: SwarmSnapshot, forecast: CellForecast): Map<string, number> => {
  const first = stepAt(forecast, snapshot.atMs);
  const sums = new Map<string, number[]>();
  for (const { spec, owner } of snapshot.channels) {
    const curve = owner && forecast.channelUnits[spec.id]?.p90;
    if (!curve) continue;
    let sum = sums.get(owner.encoderId);
    if (!sum) sums.set(owner.encoderId, (sum = new Array<number>(forecast.horizonSteps).fill(0)));
    for (let step = first; step < forecast.horizonSteps; step++)
      sum[step] = (sum[step] as number) + grains(curve[step] ?? 0);
  }
  return new Map([...sums].map(([id, sum]) => [id, Math.max(0, ...sum)]));
};

/** Encoders with the same word take over from each other without a discontinuity, as far as is known. */
const buildWordOf = ({ compatibilityClass, ffmpegVersion }: EncoderObservation): string =>
  compatibilityClass === undefined ? `ffmpeg ${ffmpegVersion}` : `class ${compatibilityClass}`;

/** Each zone beside the whole swarm. */
const zoneShares = (encoders: readonly EncoderObservation[]): Map<string, ZoneShare> => {
  const zones = new Map<string, ZoneShare>();
  let swarmCapacity = 0;
  let swarmLoad = 0;
  for (const encoder of encoders) {
    let zone = zones.get(encoder.zone);
    if (!zone) {
      zone = { encoders: 0, reachable: 0, capacity: 0, load: 0, swarmCapacity: 0, swarmLoad: 0 };
      zones.set(encoder.zone, zone);
    }
    zone.encoders += 1;
    zone.reachable += encoder.reachable ? 1 : 0;
    zone.capacity += grains(encoder.capacityUnits);
    zone.load += grainsUsed(encoder);
    swarmCapacity += grains(encoder.capacityUnits);
    swarmLoad += grainsUsed(encoder);
  }
  for (const zone of zones.values()) Object.assign(zone, { swarmCapacity, swarmLoad });
  return zones;
};

/**
 * Judges every encoder of a snapshot. The order of the snapshot's arrays does not matter.
 *
 * - headroom: free below the limit, now (telemetry) and at the forecast's P90 peak under today's placement
 * - quality: do its sessions keep up with real time, how many GOPs came late, and how others do on like content
 * - version: share of the swarm on the same host version, and of the same compatibility class (ffmpeg version where
 *   no class is known)
 * - zone: does its zone answer, and does it carry no more than its share
 * - stability: recent crashes and failed handoffs
 *
 * Headroom, quality and zone rest on telemetry: the older it is, the less they are worth. An encoder that does
 * not answer scores 0.
 *
 * @returns one Fitness per encoder, ordered by id; the score is the mean of the terms by `policy.fitnessWeights`
 */
export const fitnessOf = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  policy: Policy,
): Fitness[] => {
  const weights = policy.fitnessWeights;
  const encoders = [...snapshot.encoders].sort(byId);
  const peers = new Peers(encoders);
  const zones = zoneShares(encoders);
  const peaks = forecast && peaksUnder(snapshot, forecast);
  const versions = new Map<string, number>();
  const builds = new Map<string, number>();
  let reachable = 0;
  for (const encoder of encoders) {
    if (!encoder.reachable) continue;
    reachable += 1;
    increment(versions, encoder.version);
    increment(builds, buildWordOf(encoder));
  }

  return encoders.map((encoder) => {
    const { id, version } = encoder;
    if (!encoder.reachable) {
      return { encoderId: id, score: 0, terms: NOTHING, weakestTerm: weakestTermOf(NOTHING, weights) };
    }
    const now = grainsUsed(encoder);
    const peak = peaks ? (peaks.get(id) ?? 0) : now;
    const fresh = freshness(encoder.telemetry?.atMs, snapshot.atMs);
    const limit = grains(encoder.capacityUnits * policy.limitFraction);
    const terms: FitnessTerms = {
      headroom: fresh * headroomTerm(now, peak, limit),
      quality: fresh * peers.qualityOf(encoder),
      version: versionTerm(versions.get(version) ?? 0, builds.get(buildWordOf(encoder)) ?? 0, reachable),
      zone: fresh * zoneTerm(zones.get(encoder.zone) as ZoneShare),
      stability: stabilityTerm(encoder.troubles),
    };
    return {
      encoderId: id,
      score: scoreOf(terms, weights),
      terms,
      weakestTerm: weakestTermOf(terms, weights),
    };
  });
};
