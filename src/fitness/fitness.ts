import {
  plannedFraction,
  type CellForecast,
  type ChannelObservation,
  type EncoderObservation,
  type Fitness,
  type Policy,
  type SwarmChange,
  type SwarmSnapshot,
} from '../domain';
import { stepAt } from '../forecast';
import { usableUnits } from './keeping-up';
import { Peers } from './quality';
import { SwarmShares } from './swarm-shares';
import {
  freshness,
  headroomTerm,
  scoreOf,
  stabilityTerm,
  versionTerm,
  weakestTermOf,
  zoneTerm,
  type FitnessTerms,
} from './terms';

const NOTHING: FitnessTerms = { headroom: 0, quality: 0, version: 0, zone: 0, stability: 0 };
/** Units are summed in whole grains, so that the order in which they come does not matter. */
const GRAINS_PER_UNIT = 1e8;

const grains = (units: number): number => Math.round(units * GRAINS_PER_UNIT);

/**
 * Judges the encoders of a swarm again and again, reading only what changed. After any changes its judgement is
 * exactly the one that `fitnessOf` makes of the whole snapshot. A new forecast or policy needs a new one.
 */
export class FitnessEvaluator {
  private atMs = 0;
  private readonly encoders = new Map<string, EncoderObservation>();
  private inOrder: EncoderObservation[] | null = null;
  private readonly peers = new Peers();
  private readonly shares = new SwarmShares();
  /** By encoder id: P90 units of its channels per step of the forecast, grains. */
  private readonly sums = new Map<string, Float64Array>();
  /** By channel id: whose sum it is part of, and with what. */
  private readonly counted = new Map<string, { encoderId: string; p90: readonly number[] }>();
  private readonly renewedUnits = new Map<string, readonly number[]>();

  constructor(
    private readonly forecast: CellForecast | null,
    private readonly policy: Policy,
  ) {}

  /** Enters what changed. */
  update(change: SwarmChange): void {
    this.atMs = change.atMs;
    for (const id of change.removedEncoders ?? []) this.dropEncoder(id);
    for (const encoder of change.encoders ?? []) this.readEncoder(encoder);
    if (!this.forecast) return;
    for (const id of change.removedChannels ?? []) this.discount(id);
    for (const [id, { p90 }] of Object.entries(change.channelUnits ?? {})) this.renew(id, p90);
    for (const channel of change.channels ?? []) this.readChannel(channel);
  }

  /** One Fitness per encoder, ordered by id; see `fitnessOf`. */
  evaluate(): Fitness[] {
    this.inOrder ??= [...this.encoders.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    return this.inOrder.map((encoder) => this.fitness(encoder));
  }

  private fitness(encoder: EncoderObservation): Fitness {
    const { id, reachable, telemetry, troubles } = encoder;
    const { fitnessWeights: weights } = this.policy;
    if (!reachable) {
      return { encoderId: id, score: 0, terms: NOTHING, weakestTerm: weakestTermOf(NOTHING, weights) };
    }
    const now = grains(telemetry?.unitsUsed ?? 0);
    const peak = this.forecast ? this.peakOn(id, this.forecast) : now;
    const fresh = freshness(telemetry?.atMs, this.atMs);
    const { sameVersion, sameBuild, reachable: all } = this.shares.versionsLike(encoder);
    const terms: FitnessTerms = {
      headroom: fresh * headroomTerm(now, peak, grains(usableUnits(encoder) * plannedFraction(this.policy))),
      quality: fresh * this.peers.qualityOf(encoder),
      version: versionTerm(sameVersion, sameBuild, all),
      zone: fresh * zoneTerm(this.shares.zoneOf(encoder)),
      stability: stabilityTerm(troubles),
    };
    return {
      encoderId: id,
      score: scoreOf(terms, weights),
      terms,
      weakestTerm: weakestTermOf(terms, weights),
    };
  }

  private readEncoder(encoder: EncoderObservation): void {
    this.dropEncoder(encoder.id);
    this.encoders.set(encoder.id, encoder);
    this.peers.add(encoder, 1);
    this.shares.add(encoder, 1);
  }

  private dropEncoder(id: string): void {
    const before = this.encoders.get(id);
    this.inOrder = null;
    if (!before) return;
    this.peers.add(before, -1);
    this.shares.add(before, -1);
    this.encoders.delete(id);
  }

  private readChannel({ spec, owner }: ChannelObservation): void {
    const p90 = this.renewedUnits.get(spec.id) ?? this.forecast?.channelUnits[spec.id]?.p90;
    this.discount(spec.id);
    if (!owner || !p90) return;
    this.counted.set(spec.id, { encoderId: owner.encoderId, p90 });
    this.count(owner.encoderId, p90, 1);
  }

  private renew(channelId: string, p90: readonly number[]): void {
    this.renewedUnits.set(channelId, p90);
    const before = this.counted.get(channelId);
    if (!before) return;
    this.discount(channelId);
    this.counted.set(channelId, { ...before, p90 });
    this.count(before.encoderId, p90, 1);
  }

  private discount(channelId: string): void {
    const before = this.counted.get(channelId);
    if (!before) return;
    this.count(before.encoderId, before.p90, -1);
    this.counted.delete(channelId);
  }

  private count(encoderId: string, p90: readonly number[], sign: 1 | -1): void {
    let sum = this.sums.get(encoderId);
    if (!sum) this.sums.set(encoderId, (sum = new Float64Array(this.forecast?.horizonSteps ?? 0)));
    for (let step = 0; step < sum.length; step++)
      sum[step] = (sum[step] as number) + sign * grains(p90[step] ?? 0);
  }

  /** Highest sum, over the forecast's steps that are not over yet, of the P90 units of its channels. Grains. */
  private peakOn(encoderId: string, forecast: CellForecast): number {
    const sum = this.sums.get(encoderId);
    let peak = 0;
    for (let step = stepAt(forecast, this.atMs); sum && step < sum.length; step++)
      peak = Math.max(peak, sum[step] as number);
    return peak;
  }
}

/**
 * Judges every encoder of a snapshot. The order of the snapshot's arrays does not matter.
 *
 * - headroom: free below the limit, now (telemetry) and at the forecast's P90 peak under today's placement; the limit of
 *   an encoder whose sessions fall behind is what it carries in real time
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
  const evaluator = new FitnessEvaluator(forecast, policy);
  evaluator.update(snapshot);
  return evaluator.evaluate();
};
