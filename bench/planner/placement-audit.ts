import {
  ladderUnits,
  plannedFraction,
  type CellForecast,
  type ChannelObservation,
  type EncoderObservation,
  type Move,
  type Plan,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { stepAt } from '../../src/forecast';
import { deservedRungs } from '../../src/planner';

/** Sums of the same units in another order differ in the last digits. */
const TOLERANCE = 1e-5;

const unitsOf = ({ spec }: ChannelObservation, rungs: number): number =>
  ladderUnits(spec.ladder.slice(0, rungs), spec.framesPerSecond);

const classOf = ({ compatibilityClass, buildDigest }: EncoderObservation): string =>
  compatibilityClass ?? `of digest ${buildDigest ?? 'unknown'}`;

/**
 * Judges placements and plans from the inputs alone, with none of the planner's own code for loads, constraints or
 * order: what benches and tests hold the planner to.
 */
export class PlacementAudit {
  private readonly encoders: ReadonlyMap<string, EncoderObservation>;
  private readonly channels: ReadonlyMap<string, ChannelObservation>;
  private readonly needsById = new Map<string, number[]>();
  readonly steps: number;

  constructor(
    private readonly snapshot: SwarmSnapshot,
    forecast: CellForecast | null,
    private readonly policy: Policy,
  ) {
    this.encoders = new Map(snapshot.encoders.map((e) => [e.id, e]));
    this.channels = new Map(snapshot.channels.map((c) => [c.spec.id, c]));
    const first = forecast ? stepAt(forecast, snapshot.atMs) : 0;
    this.steps = 1 + (forecast ? Math.max(0, forecast.horizonSteps - first) : 0);
    for (const channel of snapshot.channels) {
      const now = unitsOf(channel, deservedRungs(channel));
      const p90 = forecast?.channelUnits[channel.spec.id]?.p90.slice(first) ?? [];
      this.needsById.set(channel.spec.id, Array.from({ length: this.steps }, (_, k) => (k === 0 ? now : (p90[k - 1] ?? now)))); // prettier-ignore
    }
  }

  /** Units of a channel: now, with the rungs it deserves, then P90 of each step to come. */
  needs(channelId: string): number[] {
    return this.needsById.get(channelId) as number[];
  }

  limit(encoderId: string): number {
    return (this.encoders.get(encoderId) as EncoderObservation).capacityUnits * plannedFraction(this.policy);
  }

  /** Encoder of each channel that somebody encodes. */
  placement(): Map<string, string> {
    const placed = this.snapshot.channels.flatMap((c): [string, string][] =>
      c.owner && this.encoders.get(c.owner.encoderId)?.reachable ? [[c.spec.id, c.owner.encoderId]] : [],
    );
    return new Map(placed);
  }

  /** The placement after some moves. */
  after(moves: readonly Move[], placement = this.placement()): Map<string, string> {
    const result = new Map(placement);
    for (const { channelId, toEncoderId } of moves) result.set(channelId, toEncoderId);
    return result;
  }

  /** By encoder: units per step. */
  loads(placement: ReadonlyMap<string, string>): Map<string, number[]> {
    const loads = new Map(this.snapshot.encoders.map((e) => [e.id, new Array<number>(this.steps).fill(0)]));
    for (const [channelId, encoderId] of placement) {
      const load = loads.get(encoderId) as number[];
      this.needs(channelId).forEach((units, k) => (load[k] = (load[k] as number) + units));
    }
    return loads;
  }

  /** By encoder that is over its limit: units beyond it at the worst step. Drained ones are emptied anyway. */
  excesses(placement: ReadonlyMap<string, string>): Map<string, number> {
    const over = [...this.loads(placement)].flatMap(([id, load]): [string, number][] => {
      const excess = Math.max(...load) - this.limit(id);
      return excess > TOLERANCE && !this.encoders.get(id)?.draining ? [[id, excess]] : [];
    });
    return new Map(over);
  }

  /** Channels whose region, pins, or redundancy group forbid the encoder they are on; and groups in one zone. */
  breaches(placement: ReadonlyMap<string, string>): string[] {
    const zones = new Set<string>();
    return [...placement].flatMap(([channelId, encoderId]) => {
      const channel = this.channels.get(channelId) as ChannelObservation;
      const encoder = this.encoders.get(encoderId) as EncoderObservation;
      const found = this.pinBreaches(channel, encoder);
      const group = channel.spec.placement?.redundancyGroup;
      if (group !== undefined) {
        const place = `${group} in ${encoder.zone}`;
        if (zones.has(place)) found.push(`${channelId} shares group ${place}`);
        zones.add(place);
      }
      return found;
    });
  }

  pinBreaches({ spec }: ChannelObservation, encoder: EncoderObservation): string[] {
    const found: string[] = [];
    const pins = spec.placement;
    const to = `${spec.id} on ${encoder.id}`;
    if (![spec.region, ...(pins?.otherRegions ?? [])].includes(encoder.region)) found.push(`${to}: region`);
    if (pins?.encoderId !== undefined && pins.encoderId !== encoder.id) found.push(`${to}: pinned encoder`);
    if (pins?.zone !== undefined && pins.zone !== encoder.zone) found.push(`${to}: pinned zone`);
    if (pins?.buildId !== undefined && pins.buildId !== encoder.buildId) found.push(`${to}: pinned build`);
    return found;
  }

  /** May this channel be moved to this encoder, room aside? */
  allows(channel: ChannelObservation, encoder: EncoderObservation): boolean {
    const owner = channel.owner ? this.encoders.get(channel.owner.encoderId) : undefined;
    return (
      encoder.reachable &&
      !encoder.cordoned &&
      !encoder.draining &&
      this.pinBreaches(channel, encoder).length === 0 &&
      (this.policy.allowDiscontinuity || !owner || classOf(owner) === classOf(encoder))
    );
  }

  /** What is wrong with a plan's moves, each on its own, and with where they lead to. */
  faultsOfMoves({ moves }: Plan): string[] {
    return [...this.moveFaults(moves), ...this.goalFaults(moves)];
  }

  /** Everything that is wrong with a plan; empty: nothing. */
  faults(plan: Plan): string[] {
    const { moves } = plan;
    return [
      ...this.moveFaults(moves),
      ...this.waveFaults(moves),
      ...this.goalFaults(moves),
      ...this.silenceFaults(plan),
    ];
  }

  /** What is wrong with one encoder as the place of one channel, while all others stay where they are. */
  faultsOfTarget(channelId: string, encoderId: string): string[] {
    const channel = this.channels.get(channelId) as ChannelObservation;
    const encoder = this.encoders.get(encoderId) as EncoderObservation;
    const isLost = !this.encoders.get(channel.owner?.encoderId ?? '')?.reachable;
    const what = `${channelId} on request to ${encoderId}`;
    // What nobody encodes any more has no compatibility class to keep.
    const isAllowed = this.allows(isLost ? { ...channel, owner: null } : channel, encoder);
    const forbidden = isAllowed ? [] : [`${what}: not allowed there`];
    return [...forbidden, ...this.mateFaults(channelId, encoderId, this.placement())];
  }

  /** Each move on its own, and their number. */
  private moveFaults(moves: readonly Move[]): string[] {
    const { policy, snapshot } = this;
    const faults: string[] = [];
    const planned = moves.filter((m) => m.reason !== 'drain');
    const perEncoder = new Map<string, number>();
    if (new Set(moves.map((m) => m.channelId)).size < moves.length) faults.push('a channel moves twice');
    if (planned.length > policy.maxMovesPerCycle) faults.push(`${planned.length} moves in one cycle`);
    for (const move of moves) {
      const channel = this.channels.get(move.channelId) as ChannelObservation;
      const target = this.encoders.get(move.toEncoderId) as EncoderObservation;
      const what = `${move.channelId} ${move.fromEncoderId} > ${move.toEncoderId} (${move.reason})`;
      if (channel.moving) faults.push(`${what}: is moving already`);
      if (move.fromEncoderId !== channel.owner?.encoderId) faults.push(`${what}: is not there`);
      if (move.rungs !== deservedRungs(channel)) faults.push(`${what}: ${move.rungs} rungs`);
      if (move.toEncoderId === move.fromEncoderId) continue;
      if (!this.allows(channel, target)) faults.push(`${what}: not allowed there`);
      const rests =
        channel.movedAtMs !== null && channel.movedAtMs + policy.restSeconds * 1000 > snapshot.atMs;
      if (move.reason === 'drain') {
        if (!this.encoders.get(move.fromEncoderId as string)?.draining) faults.push(`${what}: no drain`);
        continue;
      }
      if (rests) faults.push(`${what}: rests`);
      for (const id of [move.fromEncoderId as string, move.toEncoderId])
        perEncoder.set(id, (perEncoder.get(id) ?? 0) + 1);
    }
    for (const [id, count] of perEncoder)
      if (count > policy.maxMovesPerEncoder) faults.push(`${count} moves on ${id}`);
    return faults;
  }

  /** Rooms, sessions and zones while each wave runs and after it, for the encoders that receive a channel. */
  private waveFaults(moves: readonly Move[]): string[] {
    const faults: string[] = [];
    let placement = this.placement();
    const away = moves.filter((m) => m.toEncoderId !== m.fromEncoderId);
    const waves = Math.max(0, ...away.map((m) => (m.wave ?? 0) + 1));
    for (let wave = 0; wave < waves; wave++) {
      const running = away.filter((m) => (m.wave ?? 0) === wave);
      const after = this.after(running, placement);
      const loadsAfter = this.loads(after);
      for (const id of new Set(running.map((m) => m.toEncoderId))) {
        const here = [...placement].filter(([, e]) => e === id).map(([c]) => c);
        const arriving = running.filter((m) => m.toEncoderId === id).map((m) => m.channelId);
        const now = [...here, ...arriving].reduce((sum, c) => sum + (this.needs(c)[0] as number), 0);
        if (now > this.limit(id) + TOLERANCE) faults.push(`${id} is over its limit while wave ${wave} runs`);
        if (Math.max(...(loadsAfter.get(id) as number[])) > this.limit(id) + TOLERANCE)
          faults.push(`${id} is over its limit at P90 after wave ${wave}`);
        if (here.length + arriving.length > (this.encoders.get(id)?.maxSessions ?? 0))
          faults.push(`${id} has too many sessions in wave ${wave}`);
      }
      for (const { channelId, toEncoderId } of running) {
        // A channel that goes to another encoder of its zone shares it with no mate with which it did not before.
        const zone = this.encoders.get(placement.get(channelId) ?? '')?.zone;
        const isNewThere = zone !== this.encoders.get(toEncoderId)?.zone;
        const judged = isNewThere ? [placement, after] : [after];
        faults.push(...this.mateFaults(channelId, toEncoderId, ...judged));
      }
      placement = after;
    }
    return faults;
  }

  /**
   * A plan without moves must at least tell of each channel that is where it may not be. Of one with moves nothing is
   * asked: what it leaves may wait for its turn.
   */
  private silenceFaults({ moves, unmet }: Plan): string[] {
    if (moves.length > 0) return [];
    const placement = this.placement();
    return [...placement].flatMap(([channelId, encoderId]) => {
      const channel = this.channels.get(channelId) as ChannelObservation;
      const encoder = this.encoders.get(encoderId) as EncoderObservation;
      const isReported = unmet.some((u) => u.channelId === channelId);
      if (channel.moving || encoder.draining || isReported) return [];
      const breaches = this.pinBreaches(channel, encoder);
      return [...breaches, ...this.mateFaults(channelId, encoderId, placement)].map(
        (breach) => `neither repaired nor reported: ${breach}`,
      );
    });
  }

  private mateFaults(
    channelId: string,
    toEncoderId: string,
    ...placements: ReadonlyMap<string, string>[]
  ): string[] {
    const group = this.channels.get(channelId)?.spec.placement?.redundancyGroup;
    if (group === undefined) return [];
    const zone = this.encoders.get(toEncoderId)?.zone;
    const mates = [...this.channels.values()].filter(
      ({ spec }) => spec.id !== channelId && spec.placement?.redundancyGroup === group,
    );
    return mates
      .filter(({ spec }) => placements.some((p) => this.encoders.get(p.get(spec.id) ?? '')?.zone === zone))
      .map(({ spec }) => `${channelId} joins ${spec.id} of its group in ${zone}`);
  }

  /** Goal 1: no encoder is worse off than without the plan. */
  private goalFaults(moves: readonly Move[]): string[] {
    const before = this.excesses(this.placement());
    return [...this.excesses(this.after(moves))]
      .filter(([id, excess]) => excess > (before.get(id) ?? 0) + TOLERANCE)
      .map(([id, excess]) => `${id} ends ${excess.toFixed(3)} units over its limit`);
  }
}
