import {
  policySchema,
  type CellForecast,
  type ChannelObservation,
  type DemandCurve,
  type Plan,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { createPlanner } from '../../src/planner';
import { seededRandom, shuffled } from '../../src/start/seeded-random';
import { PlacementAudit } from './placement-audit';
import { encodersLowerBound, movesLowerBound } from './planner-bounds';
import { changedAudience, fleetOf, withSessions, type Fleet } from './planner-instances';
import { percentile, rounded } from './statistics';

const CYCLES = 5;
const CHANGED_SHARE = 0.01;
const CYCLE_MS = 10_000;

/** All moves that are wanted go into one plan, so that what it costs and what it reaches can be judged. */
const benchPolicy = (encoders: number): Policy =>
  policySchema.parse({
    maxMovesPerCycle: 1_000_000,
    maxMovesPerEncoder: 1_000,
    maxEncoders: 2 * encoders,
    minEncoders: 1,
    restSeconds: 0,
  });

const timed = <T>(run: () => T): { result: T; wallMs: number; cpuMs: number } => {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const result = run();
  const { user, system } = process.cpuUsage(cpu);
  return { result, wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
};

export interface ScaleResult {
  channels: number;
  encoders: number;
  planMs: number;
  planCpuMs: number;
  incrementalMs: number;
  incrementalMaxMs: number;
  peakRssMiB: number;
  overloadBefore: number;
  overloadAfter: number;
  overloadUnitsBefore: number;
  overloadUnitsAfter: number;
  moves: number;
  movesLowerBound: number;
  waves: number;
  faults: number;
  encodersUsed: number;
  encodersLowerBound: number;
  seed: number;
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, v) => total + v, 0);

/** The swarm once the plan's moves are done, and the encoders whose sessions changed. */
const carriedOut = (snapshot: SwarmSnapshot, { moves }: Plan, atMs: number): SwarmSnapshot => {
  const byChannel = new Map(moves.map((m) => [m.channelId, m]));
  const channels = snapshot.channels.map((channel): ChannelObservation => {
    const move = byChannel.get(channel.spec.id);
    if (!move) return channel;
    const owner = { encoderId: move.toEncoderId, sessionId: `${channel.spec.id}-${atMs}` };
    return { ...channel, owner, rungs: move.rungs, token: channel.token + 1, movedAtMs: atMs };
  });
  return { ...snapshot, channels };
};

/** Makes a fleet, plans it, then plans it again and again after a hundredth of its channels have changed. */
export const runScale = (channels: number, encoders: number, seed: number): ScaleResult => {
  const random = seededRandom(seed);
  const fleet = fleetOf(
    { channels, encoders, seed, regions: Math.max(1, Math.min(4, Math.floor(encoders / 12))), zonesPerRegion: 3, horizonSteps: 12, utilisation: 0.82, limitFraction: 0.8 }, // prettier-ignore
    random,
  );
  const policy = benchPolicy(encoders);
  const { snapshot, forecast } = fleet;
  const first = timed(() => {
    const fitness = fitnessOf(snapshot, forecast, policy);
    console.log('fit0', process.uptime());const planner = createPlanner(snapshot, forecast, fitness, policy);console.log('read', process.uptime());
    return { planner, plan: planner.plan({ lowDemandSinceMs: null }) };
  });
  const { plan, planner } = first.result;
  const cycles = new Cycles(fleet, policy, random);
  const incremental = Array.from({ length: CYCLES }, (_, i) => cycles.run(planner, i === 0 ? plan : null));

  const audit = new PlacementAudit(snapshot, forecast, policy);
  const before = audit.excesses(audit.placement());
  const placed = audit.after(plan.moves);
  const after = audit.excesses(placed);
  return {
    channels,
    encoders,
    planMs: rounded(first.wallMs) as number,
    planCpuMs: rounded(first.cpuMs) as number,
    incrementalMs: rounded(percentile(incremental, 50)) as number,
    incrementalMaxMs: rounded(Math.max(...incremental)) as number,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    overloadBefore: before.size,
    overloadAfter: after.size,
    overloadUnitsBefore: rounded(sum(before.values())) as number,
    overloadUnitsAfter: rounded(sum(after.values())) as number,
    moves: plan.moves.filter((m) => m.fromEncoderId !== m.toEncoderId).length,
    movesLowerBound: movesLowerBound(audit),
    waves: Math.max(0, ...plan.moves.map((m) => (m.wave ?? 0) + 1)),
    faults: channels <= 20_000 ? audit.faults(plan).length : 0,
    encodersUsed: new Set(placed.values()).size,
    encodersLowerBound: encodersLowerBound(snapshot, audit),
    seed,
  };
};

/** Cycles of the control loop after the first. */
class Cycles {
  private snapshot: SwarmSnapshot;
  private atMs: number;

  constructor(
    fleet: Fleet,
    private readonly policy: Policy,
    private readonly random: () => number,
  ) {
    this.snapshot = fleet.snapshot;
    this.forecast = fleet.forecast;
    this.atMs = fleet.snapshot.atMs;
  }

  private readonly forecast: CellForecast;

  /** One cycle: what the last plan moved is done, a hundredth of the channels changed; @returns milliseconds */
  run(planner: ReturnType<typeof createPlanner>, lastPlan: Plan | null): number {
    const { random, forecast } = this;
    this.atMs += CYCLE_MS;
    const before = this.snapshot;
    const moved = lastPlan ? carriedOut(before, lastPlan, this.atMs) : before;
    const count = Math.max(1, Math.round(CHANGED_SHARE * moved.channels.length));
    const chosen = new Set(shuffled(moved.channels.map((_, i) => i), random).slice(0, count)); // prettier-ignore
    const channelUnits: Record<string, DemandCurve> = {};
    const channels = moved.channels.map((channel, i) => {
      if (!chosen.has(i)) return channel;
      const changed = changedAudience(channel, forecast.horizonSteps, random);
      channelUnits[channel.spec.id] = changed.curve;
      return changed.channel;
    });
    const changed = channels.filter((channel, i) => channel !== before.channels[i]);
    const touched = new Set(
      changed.flatMap(({ owner }) => owner?.encoderId ?? []).concat(before.channels.filter((c, i) => c !== channels[i]).flatMap(({ owner }) => owner?.encoderId ?? [])), // prettier-ignore
    );
    const ownedBy = new Map<string, ChannelObservation[]>();
    for (const c of channels) {
      const id = c.owner?.encoderId;
      if (id === undefined || !touched.has(id)) continue;
      ownedBy.set(id, [...(ownedBy.get(id) ?? []), c]);
    }
    const encoders = before.encoders.map((e) =>
      touched.has(e.id) ? withSessions(e, ownedBy.get(e.id) ?? [], this.atMs) : e,
    );
    this.snapshot = { ...before, atMs: this.atMs, encoders, channels };
    const encodersChanged = encoders.filter((e, i) => e !== before.encoders[i]);
    Object.assign(forecast.channelUnits, channelUnits);
    const { wallMs } = timed(() => {
      const t = performance.now();
      const fitness = fitnessOf(this.snapshot, forecast, this.policy);
      console.log('fit', performance.now() - t);
      planner.update({ atMs: this.atMs, channels: changed, encoders: encodersChanged, channelUnits, fitness });
      return planner.plan({ lowDemandSinceMs: null });
    });
    return wallMs;
  }
}
