import type { Policy } from '../domain';
import { nextZones } from '../planner';
import { chanceOf } from './chance';
import type { HandoffUnderWay, MoveRecord, SimulatedEncoder } from './fleet';
import type { CycleDecision, CycleView, ScalingPolicy } from './policy';
import { SimulatedProvider, type ProviderOptions } from './provider';
import type { Demand, World } from './world';

const HOUR_MS = 3_600_000;

export interface EngineOptions {
  world: World;
  demand: Demand;
  limits: Policy;
  capacityUnits: number;
  zones: readonly string[];
  provider: ProviderOptions;
  /** Mean time until an encoder crashes. */
  meanHoursToFailure: number;
  /** Highest demand of the time before the simulation, units. */
  historyPeakUnits: number;
}

/** What one cycle was like, for the accounts. */
export interface CycleAccount {
  cycle: number;
  encoders: readonly SimulatedEncoder[];
  /** Units on each of `encoders`, handoffs counted on both sides. */
  loads: readonly number[];
  /** Encoders paid for: ready or booting. */
  paid: number;
  waiting: number;
  handoffs: number;
}

/**
 * A swarm in discrete time under one policy. In every cycle: encoders arrive and crash, handoffs begun in the cycle
 * before end, channels come and go and change their ladders, the policy decides, and the cycle is accounted for.
 */
export class Engine {
  readonly moves: MoveRecord[] = [];
  private readonly fleet = new Map<string, SimulatedEncoder>();
  private readonly owners: (SimulatedEncoder | null)[];
  private readonly movedAt: (number | null)[];
  private underWay: HandoffUnderWay[] = [];
  private readonly provider: SimulatedProvider;
  private encodersMade = 0;

  constructor(
    private readonly options: EngineOptions,
    private readonly policy: ScalingPolicy,
  ) {
    const { world, demand, limits, zones, provider } = options;
    this.provider = new SimulatedProvider(provider);
    this.owners = world.channels.map(() => null);
    this.movedAt = world.channels.map(() => null);
    const count = policy.initialEncoders({
      demand,
      limits,
      limitUnits: this.limitUnits,
      historyPeakUnits: options.historyPeakUnits,
    });
    const within = Math.min(limits.maxEncoders, Math.max(limits.minEncoders, count));
    for (const zone of nextZones(within, [], zones)) this.addEncoder(zone, world.startMs);
  }

  get limitUnits(): number {
    return this.options.capacityUnits * this.options.limits.limitFraction;
  }

  /** Plays one cycle. Call with 0, 1, 2 and so on. */
  play(cycle: number): CycleAccount {
    const { world } = this.options;
    const atMs = world.startMs + cycle * world.cycleSeconds * 1000;
    for (const { zone, askedAtMs } of this.provider.arrivals(atMs)) this.addEncoder(zone, atMs, askedAtMs);
    this.crash(atMs);
    this.endHandoffs(atMs);
    this.endEmptied();
    this.followAir(cycle);
    const decision = this.policy.decide(this.viewOf(cycle, atMs));
    const handoffs = this.carryOut(decision, cycle, atMs);
    return this.accountOf(cycle, handoffs);
  }

  private addEncoder(zone: string, readyAtMs: number, paidFromMs = readyAtMs): void {
    const n = this.encodersMade++;
    // The n-th encoder of a run has the same life span under every policy.
    const lifespan = -Math.log(1 - chanceOf(this.options.world.seed, 'life', n)());
    const id = `enc-${n + 1}`;
    this.fleet.set(id, {
      id,
      zone,
      paidFromMs,
      readyAtMs,
      draining: false,
      failsAtMs: readyAtMs + lifespan * this.options.meanHoursToFailure * HOUR_MS,
      channels: new Set(),
    });
  }

  private crash(atMs: number): void {
    for (const encoder of this.fleet.values()) {
      if (encoder.failsAtMs > atMs) continue;
      this.fleet.delete(encoder.id);
      for (const channel of encoder.channels) this.owners[channel] = null;
    }
  }

  /** A handoff whose target crashed leaves its channel where it was. */
  private endHandoffs(atMs: number): void {
    for (const { channel, to } of this.underWay) {
      if (!this.fleet.has(to.id)) continue;
      this.assign(channel, to);
      this.movedAt[channel] = atMs;
    }
    this.underWay = [];
  }

  private endEmptied(): void {
    for (const encoder of this.fleet.values()) {
      if (encoder.draining && encoder.channels.size === 0) this.fleet.delete(encoder.id);
    }
  }

  private followAir(cycle: number): void {
    for (let channel = 0; channel < this.owners.length; channel++) {
      if (this.rungsOf(channel, cycle) === 0) this.assign(channel, null);
    }
  }

  private assign(channel: number, encoder: SimulatedEncoder | null): void {
    this.owners[channel]?.channels.delete(channel);
    encoder?.channels.add(channel);
    this.owners[channel] = encoder;
  }

  private rungsOf(channel: number, cycle: number): number {
    return this.options.demand.rungs[channel]?.[cycle] ?? 0;
  }

  private unitsOf(channel: number, cycle: number): number {
    return this.options.demand.units[channel]?.[this.rungsOf(channel, cycle)] ?? 0;
  }

  private loadOf(encoder: SimulatedEncoder, cycle: number): number {
    let units = 0;
    for (const channel of encoder.channels) units += this.unitsOf(channel, cycle);
    return units;
  }

  private viewOf(cycle: number, atMs: number): CycleView {
    const { world, demand, limits, capacityUnits, zones } = this.options;
    // Largest first: when many wait, all policies place them well.
    const waiting = this.owners
      .flatMap((owner, c) => (owner === null && this.rungsOf(c, cycle) > 0 ? [c] : []))
      .sort((a, b) => this.unitsOf(b, cycle) - this.unitsOf(a, cycle) || a - b);
    return {
      world,
      demand,
      limits,
      cycle,
      atMs,
      capacityUnits,
      limitUnits: this.limitUnits,
      zones,
      encoders: [...this.fleet.values()],
      pending: this.provider.pending,
      outcomes: this.provider.outcomes,
      waiting,
      ownerOf: (channel) => this.owners[channel] ?? null,
      unitsOf: (channel) => this.unitsOf(channel, cycle),
      loadOf: (encoder) => this.loadOf(encoder, cycle),
      movedAtMs: (channel) => this.movedAt[channel] ?? null,
    };
  }

  /** @returns handoffs begun */
  private carryOut(decision: CycleDecision, cycle: number, atMs: number): number {
    const { limits } = this.options;
    for (const { channel, on } of decision.starts) {
      const encoder = this.fleet.get(on);
      if (encoder && this.owners[channel] === null) this.assign(channel, encoder);
    }
    for (const id of decision.drain) {
      const encoder = this.fleet.get(id);
      if (encoder) encoder.draining = true;
    }
    const begun = decision.moves.flatMap((move) => {
      const from = this.owners[move.channel];
      const to = this.fleet.get(move.to);
      if (!from || !to || from === to) return [];
      this.underWay.push({ channel: move.channel, to });
      return [{ ...move, from }];
    });
    const leaving = new Set(begun.map((move) => move.channel));
    for (const { channel, from, to, reason } of begun) {
      const remaining = [...from.channels].filter((c) => !leaving.has(c));
      this.moves.push({ cycle, channel, from: from.id, to, reason, remaining });
    }
    const room = limits.maxEncoders - this.fleet.size - this.provider.pending.length;
    const wanted = decision.provision.slice(0, Math.max(0, room));
    if (wanted.length > 0) this.provider.request(wanted, atMs);
    return begun.length;
  }

  private accountOf(cycle: number, handoffs: number): CycleAccount {
    const encoders = [...this.fleet.values()];
    const incoming = new Map<string, number>();
    for (const { channel, to } of this.underWay) {
      incoming.set(to.id, (incoming.get(to.id) ?? 0) + this.unitsOf(channel, cycle));
    }
    let waiting = 0;
    this.owners.forEach((owner, c) => {
      if (owner === null && this.rungsOf(c, cycle) > 0) waiting++;
    });
    return {
      cycle,
      encoders,
      loads: encoders.map((e) => this.loadOf(e, cycle) + (incoming.get(e.id) ?? 0)),
      paid: encoders.length + this.provider.pending.length,
      waiting,
      handoffs,
    };
  }
}
