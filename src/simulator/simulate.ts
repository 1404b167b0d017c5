import { policySchema, ticksToSeconds, type Policy } from '../domain';
import { upperMedian } from '../domain/statistics';
import { makePlan, thresholdRule } from '../planner';
import { clairvoyantEncoders, clairvoyantHours } from './clairvoyant';
import { Engine } from './engine';
import { ForecastBook, totalUnitsPerSample, type ForecastHorizons } from './forecasts';
import { Accounts, judgeMoves, type Measures } from './measures';
import { HpaPolicy } from './policies/hpa';
import { PlannedPolicy } from './policies/planned';
import { StaticPeakPolicy } from './policies/static-peak';
import type { ScalingPolicy } from './policy';
import type { ProviderOptions } from './provider';
import { demandOf, type World } from './world';

export const POLICY_NAMES = [
  'swarm',
  'threshold-rule',
  'hpa',
  'hpa-rebalance',
  'static-peak',
  'clairvoyant',
] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/**
 * Half an hour for channels: a move takes seconds and an encoder minutes, so a longer view only widens the spread that
 * is kept free. Two hours for the total: a released encoder should not be missed so soon.
 */
const HORIZONS: ForecastHorizons = { channelSteps: 2, totalSteps: 8 };

export interface SimulationOptions {
  policies: readonly PolicyName[];
  limits: Policy;
  /** Encode units of one encoder. */
  capacityUnits: number;
  zones: readonly string[];
  provider: Omit<ProviderOptions, 'seed'>;
  meanHoursToFailure: number;
  /** Settling time that is played but not counted. */
  warmUpSeconds: number;
  onProgress?: (doneCycles: number, totalCycles: number, policy: PolicyName) => void;
}

/** An encoder of the simulated fleets: 16 vCPU, of which one 9-rung 1080p ladder needs 60 to 95 %. */
export const defaultSimulation = (): Omit<SimulationOptions, 'policies'> => ({
  limits: policySchema.parse({
    minEncoders: 3,
    maxEncoders: 1_000,
    maxMovesPerCycle: 20,
    restSeconds: 600,
    scaleInStabilisationSeconds: 300,
  }),
  capacityUnits: 50,
  zones: ['a', 'b', 'c'],
  provider: { bootSeconds: [60, 300], failureShare: 0.05, partialShare: 0.1 },
  meanHoursToFailure: 30 * 24,
  warmUpSeconds: 3_600,
});

/** One row of a run's timeline; a figure per minute is enough for a plot. */
export interface TimelineRow {
  atMs: number;
  encoders: number;
  overloaded: number;
}

export interface PolicyRun {
  policy: PolicyName;
  measures: Measures;
  timeline: TimelineRow[];
}

export interface SimulationResult {
  seed: number;
  hours: number;
  channels: number;
  /** Changes of ladder per channel and day on air: the audience's doing, the same under every policy. */
  ladderChangesPerChannelDay: number;
  limitUnits: number;
  /** Demand in units, one per minute. */
  demand: { atMs: number; units: number }[];
  runs: PolicyRun[];
}

/** Plays each policy in the same world. Deterministic: the same world and options give the same result. */
export const simulate = (world: World, options: SimulationOptions): SimulationResult => {
  const { limits, capacityUnits, policies, onProgress } = options;
  const limitUnits = capacityUnits * limits.limitFraction;
  const fromCycle = Math.min(world.cycles, Math.round(options.warmUpSeconds / world.cycleSeconds));
  const demand = demandOf(world, fromCycle);
  const forecasts = new ForecastBook(world, HORIZONS);
  const historyPeakUnits = Math.max(...totalUnitsPerSample(world).slice(0, world.historySamples));
  const cyclesPerRow = Math.max(1, Math.round(60 / world.cycleSeconds));
  const atMsOf = (cycle: number): number => world.startMs + cycle * world.cycleSeconds * 1000;

  const play = (policy: PolicyName, scaling: ScalingPolicy, done: number): PolicyRun => {
    const engine = new Engine(
      {
        world,
        demand,
        limits,
        capacityUnits,
        zones: options.zones,
        provider: { ...options.provider, seed: world.seed },
        meanHoursToFailure: options.meanHoursToFailure,
        historyPeakUnits,
      },
      scaling,
    );
    const gopSeconds = ticksToSeconds(world.channels[0]?.spec.gopDurationTicks ?? 180_000);
    const accounts = new Accounts(world, limitUnits, capacityUnits, gopSeconds);
    const timeline: TimelineRow[] = [];
    for (let cycle = 0; cycle < world.cycles; cycle++) {
      const account = engine.play(cycle);
      if (cycle >= fromCycle) accounts.add(account);
      if (cycle % cyclesPerRow === 0) {
        const overloaded = account.loads.filter((load) => load > limitUnits + 1e-6).length;
        timeline.push({ atMs: atMsOf(cycle), encoders: account.paid, overloaded });
        onProgress?.(done + cycle, policies.length * world.cycles, policy);
      }
    }
    const judged = judgeMoves(engine.moves, { world, demand, limitUnits, fromCycle });
    const lead = upperMedian(judged.leadSeconds);
    return {
      policy,
      timeline,
      measures: {
        overloadedMinutes: accounts.overloadedMinutes,
        encoderHours: accounts.encoderHours,
        handoffsPerChannelDay: demand.channelDays > 0 ? accounts.handoffs / demand.channelDays : 0,
        lateGops: accounts.lateGops,
        movesThatPrevented: judged.prevented,
        movesBeforeOverloadShare: judged.prevented > 0 ? judged.inTime / judged.prevented : null,
        leadTimeMinutes: lead === null ? null : lead / 60,
        falseMoves: judged.falseMoves,
        waitingMinutes: accounts.waitingMinutes,
        peakEncoders: accounts.peakEncoders,
      },
    };
  };

  const bound = (): PolicyRun => {
    const encoders = clairvoyantEncoders(demand, limitUnits, limits);
    return {
      policy: 'clairvoyant',
      timeline: encoders.flatMap((count, cycle) =>
        cycle % cyclesPerRow === 0 ? [{ atMs: atMsOf(cycle), encoders: count, overloaded: 0 }] : [],
      ),
      measures: {
        overloadedMinutes: 0,
        encoderHours: clairvoyantHours(world, demand, limitUnits, limits, fromCycle),
        handoffsPerChannelDay: null,
        lateGops: 0,
        movesThatPrevented: null,
        movesBeforeOverloadShare: null,
        leadTimeMinutes: null,
        falseMoves: null,
        waitingMinutes: 0,
        peakEncoders: Math.max(0, ...encoders.slice(fromCycle)),
      },
    };
  };

  const runs = policies.map((policy, i): PolicyRun => {
    const done = i * world.cycles;
    switch (policy) {
      case 'swarm':
        return play(policy, new PlannedPolicy(policy, makePlan, forecasts), done);
      case 'threshold-rule':
        return play(policy, new PlannedPolicy(policy, thresholdRule, forecasts), done);
      case 'hpa':
        return play(policy, new HpaPolicy(), done);
      case 'hpa-rebalance':
        return play(policy, new HpaPolicy({ rebalances: true }), done);
      case 'static-peak':
        return play(policy, new StaticPeakPolicy(), done);
      case 'clairvoyant':
        return bound();
    }
  });
  return {
    seed: world.seed,
    hours: (world.cycles * world.cycleSeconds) / 3_600,
    channels: world.channels.length,
    ladderChangesPerChannelDay: demand.channelDays > 0 ? demand.ladderChanges / demand.channelDays : 0,
    limitUnits,
    demand: Array.from({ length: Math.ceil(world.cycles / cyclesPerRow) }, (_, row) => ({
      atMs: atMsOf(row * cyclesPerRow),
      units: demand.totalUnits[row * cyclesPerRow] ?? 0,
    })),
    runs,
  };
};
