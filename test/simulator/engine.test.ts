import { policySchema } from '../../src/domain';
import { clairvoyantEncoders } from '../../src/simulator/clairvoyant';
import { Engine } from '../../src/simulator/engine';
import { judgeMoves } from '../../src/simulator/measures';
import { HpaPolicy } from '../../src/simulator/policies/hpa';
import type { CycleDecision, CycleView, ScalingPolicy } from '../../src/simulator/policy';
import { SimulatedProvider } from '../../src/simulator/provider';
import { defaultSimulation, POLICY_NAMES, simulate } from '../../src/simulator/simulate';
import { worldOfTraces } from '../../src/simulator/trace-world';
import { demandOf, type World } from '../../src/simulator/world';
import { waveTrace } from './made-traces';

const world = worldOfTraces([waveTrace('a'), waveTrace('b')], { hours: 6, channels: 40, seed: 2 });
const limits = policySchema.parse({ minEncoders: 1, maxEncoders: 50, maxMovesPerCycle: 20 });
const engineOptions = (over: Partial<ConstructorParameters<typeof Engine>[0]> = {}) => ({
  world,
  demand: demandOf(world),
  limits,
  capacityUnits: 50,
  zones: ['a', 'b'],
  provider: { seed: 1, bootSeconds: [60, 300] as const, failureShare: 0, partialShare: 0 },
  meanHoursToFailure: 1e9,
  historyPeakUnits: 300,
  ...over,
});
const nothing: CycleDecision = { moves: [], starts: [], provision: [], drain: [] };

describe('every channel on air is on exactly one encoder, or counted as waiting', () => {
  /** Decides at random, to meet states that no sensible policy would. */
  class Restless implements ScalingPolicy {
    readonly name = 'restless';
    constructor(private readonly check: (view: CycleView) => void) {}
    initialEncoders = () => 4;
    decide(view: CycleView): CycleDecision {
      this.check(view);
      const { cycle, encoders, waiting } = view;
      const pick = (n: number) => encoders[n % Math.max(1, encoders.length)]?.id ?? 'none';
      return {
        starts: waiting
          .filter((c) => (c + cycle) % 3 > 0)
          .map((channel) => ({ channel, on: pick(channel + cycle) })),
        moves: [1, 2, 3].map((n) => ({ channel: (cycle * n) % 40, to: pick(cycle + n), reason: 'test' })),
        provision: cycle % 40 === 0 ? ['a'] : [],
        drain: cycle % 97 === 0 ? [pick(cycle)] : [],
      };
    }
  }

  test('over handoffs, crashes, drains and arrivals', () => {
    const options = engineOptions({ meanHoursToFailure: 1 });
    let crashedOrDrained = 0;
    let known = 4;
    const check = (view: CycleView): void => {
      const carriers = new Map<number, number>();
      for (const { channels } of view.encoders)
        for (const c of channels) carriers.set(c, (carriers.get(c) ?? 0) + 1);
      const wrong = options.world.channels.filter((_, c) => {
        const onAir = (options.demand.rungs[c]?.[view.cycle] ?? 0) > 0;
        return (carriers.get(c) ?? 0) + (view.waiting.includes(c) ? 1 : 0) !== (onAir ? 1 : 0);
      });
      expect(wrong).toEqual([]);
      if (view.encoders.length < known) crashedOrDrained++;
      known = view.encoders.length;
    };
    const engine = new Engine(options, new Restless(check));
    for (let cycle = 0; cycle < world.cycles; cycle++) engine.play(cycle);
    expect(crashedOrDrained).toBeGreaterThan(5);
    expect(engine.moves.length).toBeGreaterThan(100);
  });
});

test('during a handoff both encoders carry the channel, and afterwards one', () => {
  class OneMove implements ScalingPolicy {
    readonly name = 'one';
    initialEncoders = () => 2;
    decide({ cycle, waiting }: CycleView): CycleDecision {
      const starts = waiting.map((channel) => ({ channel, on: 'enc-1' }));
      const channel = [...starts.keys()].length;
      return cycle === 0
        ? { ...nothing, starts }
        : {
            ...nothing,
            starts,
            moves: cycle === 1 ? [{ channel: firstOnAir, to: 'enc-2', reason: 'test' }] : [],
            drain: channel < 0 ? ['x'] : [],
          };
    }
  }
  const options = engineOptions();
  const firstOnAir = options.demand.rungs.findIndex((r) => r[0]! > 0 && r[1]! > 0 && r[2]! > 0);
  const units = (cycle: number) =>
    options.demand.units[firstOnAir]![options.demand.rungs[firstOnAir]![cycle]!]!;
  const engine = new Engine(options, new OneMove());
  const loads = [0, 1, 2].map((cycle) => engine.play(cycle).loads);
  const total = (cycle: number) => options.demand.totalUnits[cycle]!;
  expect(loads[0]).toEqual([expect.closeTo(total(0)), 0]);
  expect(loads[1]).toEqual([expect.closeTo(total(1)), expect.closeTo(units(1))]);
  expect(loads[2]).toEqual([expect.closeTo(total(2) - units(2)), expect.closeTo(units(2))]);
});

describe('the simulated provider', () => {
  const ask = (over: object, zones = ['a', 'b', 'c', 'd']) => {
    const provider = new SimulatedProvider({
      seed: 7,
      bootSeconds: [60, 300],
      failureShare: 0,
      partialShare: 0,
      ...over,
    });
    provider.request(zones, 0);
    return provider;
  };

  test('brings what was asked for within its range of time, the same for the same seed', () => {
    const times = (provider: SimulatedProvider): number[] =>
      Array.from({ length: 400 }, (_, s) => provider.arrivals(s * 1000).map(() => s)).flat();
    const took = times(ask({}));
    expect(took).toHaveLength(4);
    expect(Math.min(...took)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...took)).toBeLessThanOrEqual(300);
    expect(times(ask({}))).toEqual(took);
    expect(times(ask({ seed: 8 }))).not.toEqual(took);
  });

  test('fails, gives fewer, and tells how requests ended', () => {
    const failing = ask({ failureShare: 1 });
    expect(failing.pending).toHaveLength(4);
    expect(failing.arrivals(400_000)).toEqual([]);
    expect(failing.outcomes).toEqual([{ askedAtMs: 0, endedAtMs: 400_000, asked: 4, got: 0 }]);
    const partial = ask({ partialShare: 1 });
    expect(partial.arrivals(400_000)).toHaveLength(2);
    expect(partial.outcomes).toMatchObject([{ asked: 4, got: 2 }]);
  });
});

test('a move is judged by the overload that would have come without it', () => {
  // Channels 0 and 1 need 10 each until cycle 100, then channel 0 needs 30; the limit is 35.
  const cycles = 1_000;
  const demand = {
    rungs: [Uint8Array.from({ length: cycles }, (_, i) => (i < 100 ? 1 : 2)), new Uint8Array(cycles).fill(1)],
    units: [
      [0, 10, 30],
      [0, 10],
    ],
    totalUnits: new Float64Array(cycles),
    ladderChanges: 0,
    channelDays: 1,
  };
  const small: World = { ...world, cycles, channels: [] };
  const move = (cycle: number, remaining: number[], reason = 'predicted-overload') => ({
    cycle,
    channel: 0,
    from: 'e1',
    to: 'e2',
    reason,
    remaining,
  });
  const judge = (...moves: ReturnType<typeof move>[]) =>
    judgeMoves(moves, { world: small, demand, limitUnits: 35, fromCycle: 5 });
  expect(judge(move(90, [1]))).toEqual({ prevented: 1, inTime: 1, falseMoves: 0, leadSeconds: [9 * 15] });
  expect(judge(move(99, [1]))).toMatchObject({ inTime: 1, leadSeconds: [0] });
  expect(judge(move(100, [1]))).toMatchObject({ prevented: 1, inTime: 0, leadSeconds: [-15] });
  expect(judge(move(90, []))).toMatchObject({ prevented: 0, falseMoves: 1 });
  expect(judge(move(90, [1], 'drain'), move(4, [1]))).toMatchObject({ prevented: 0, falseMoves: 0 });
});

describe('a whole simulation', () => {
  const short = worldOfTraces([waveTrace('a', 16)], { hours: 3, channels: 24, seed: 2 });
  const options = { ...defaultSimulation(), policies: POLICY_NAMES, capacityUnits: 30, warmUpSeconds: 600 };
  const result = simulate(short, options);

  test('gives the same figures for the same seed', () => {
    expect(simulate(short, options)).toEqual(result);
  });

  test('nobody does with fewer encoder-hours than the clairvoyant without more overload', () => {
    const bound = result.runs.find((run) => run.policy === 'clairvoyant')!.measures;
    expect(bound.overloadedMinutes).toBe(0);
    for (const { measures } of result.runs) {
      const better = measures.encoderHours < bound.encoderHours - 1e-9 && measures.overloadedMinutes === 0;
      expect(better && measures.waitingMinutes === 0).toBe(false);
    }
  });

  test('every policy keeps to floor and ceiling', () => {
    for (const { timeline } of result.runs) {
      for (const { encoders } of timeline.slice(20)) {
        expect(encoders).toBeGreaterThanOrEqual(options.limits.minEncoders);
        expect(encoders).toBeLessThanOrEqual(options.limits.maxEncoders);
      }
    }
  });
});

test('the clairvoyant bound is the total over the limit, rounded up, within floor and ceiling', () => {
  const demand = { ...demandOf(world), totalUnits: Float64Array.from([0, 39.9, 40, 40.1, 1_000]) };
  expect(clairvoyantEncoders(demand, 20, { ...limits, maxEncoders: 9 })).toEqual([1, 2, 2, 3, 9]);
});

test('hpa replaces a crashed encoder and places its channels again', () => {
  const engine = new Engine(engineOptions({ meanHoursToFailure: 2 }), new HpaPolicy());
  const accounts = Array.from({ length: world.cycles }, (_, cycle) => engine.play(cycle));
  expect(Math.max(...accounts.map((a) => a.waiting))).toBe(0);
  expect(Math.min(...accounts.map((a) => a.encoders.length))).toBeGreaterThan(0);
});
