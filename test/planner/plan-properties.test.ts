import {
  policySchema,
  type CellForecast,
  type EncoderObservation,
  type Plan,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { makePlan } from '../../src/planner';
import { unitsOfRungs } from '../../src/planner/demand';
import fc from '../support/fast-check';
import { channelOn, encoderWith, forecastOf, NOW_MS, sixChannels, withTelemetry } from './swarm-fixtures';

/** A run that fails is repeated by `FAST_CHECK_SEED=<seed> npx jest test/planner/plan-properties`. */
const seed = Number(process.env.FAST_CHECK_SEED ?? 20_261_122);
const ladderUnits = [1, 1.64, 3.415];

interface Case {
  snapshot: SwarmSnapshot;
  forecast: CellForecast | null;
  policy: Policy;
  lowDemandSinceMs: number | null;
}

const encoderArbitrary = (id: string): fc.Arbitrary<EncoderObservation> =>
  fc
    .record({
      region: fc.constantFrom('eu', 'eu', 'eu', 'us'),
      zone: fc.constantFrom('a', 'b'),
      capacityUnits: fc.constantFrom(3, 6, 6, 6, 12),
      maxSessions: fc.integer({ min: 1, max: 8 }),
      reachable: fc.constantFrom(true, true, true, false),
      cordon: fc.constantFrom('none', 'none', 'none', 'cordoned', 'draining'),
      troubles: fc.constantFrom(0, 0, 1, 3),
    })
    .map(({ cordon, ...rest }) =>
      encoderWith(id, { ...rest, cordoned: cordon !== 'none', draining: cordon === 'draining' }),
    );

const caseArbitrary: fc.Arbitrary<Case> = fc
  .record({
    encoders: fc.tuple(...['enc-1', 'enc-2', 'enc-3', 'enc-4'].map(encoderArbitrary)),
    channels: fc.tuple(
      ...sixChannels().map((spec) =>
        fc
          .record({
            owner: fc.constantFrom('enc-1', 'enc-1', 'enc-2', 'enc-3', 'enc-4', null),
            viewers: fc.integer({ min: 0, max: 3500 }),
            rungs: fc.integer({ min: 1, max: 3 }),
            moving: fc.constantFrom(false, false, false, true),
            movedAgoS: fc.option(fc.integer({ min: 0, max: 60 }), { nil: null }),
          })
          .map(({ owner, movedAgoS, ...rest }) =>
            channelOn(spec, owner, {
              ...rest,
              movedAtMs: movedAgoS === null ? null : NOW_MS - movedAgoS * 1000,
            }),
          ),
      ),
    ),
    p90: fc.option(
      fc.tuple(
        ...sixChannels().map(() => fc.array(fc.constantFrom(...ladderUnits), { minLength: 6, maxLength: 6 })),
      ),
      { nil: null },
    ),
    maxMovesPerCycle: fc.integer({ min: 0, max: 4 }),
    lowAgoS: fc.option(fc.integer({ min: 0, max: 200 }), { nil: null }),
  })
  .map(({ encoders, channels, p90, maxMovesPerCycle, lowAgoS }) => {
    const snapshot = withTelemetry({ cell: 'local', atMs: NOW_MS, encoders, channels });
    return {
      snapshot,
      forecast:
        p90 && forecastOf(snapshot, Object.fromEntries(channels.map((c, i) => [c.spec.id, p90[i] ?? []]))),
      policy: policySchema.parse({ maxMovesPerCycle }),
      lowDemandSinceMs: lowAgoS === null ? null : NOW_MS - lowAgoS * 1000,
    };
  });

const planOf = ({ snapshot, forecast, policy, lowDemandSinceMs }: Case): Plan =>
  makePlan(snapshot, forecast, fitnessOf(snapshot, forecast, policy), policy, { lowDemandSinceMs });

const check = (property: (c: Case, plan: Plan) => void): void =>
  fc.assert(
    fc.property(caseArbitrary, (c) => property(c, planOf(c))),
    { seed, numRuns: 400 },
  );

/** Units of a channel now and at P90 of each step, judged from the inputs alone. */
const needsOf = (c: Case, channelId: string, rungs: number): number[] => {
  const channel = c.snapshot.channels.find((x) => x.spec.id === channelId)!;
  const now = unitsOfRungs(channel.spec, rungs);
  return [now, ...(c.forecast?.channelUnits[channelId]?.p90 ?? [])];
};

describe(`whatever the swarm (seed ${seed})`, () => {
  test('no move breaks a constraint', () => {
    check((c, { moves }) => {
      const moved = moves.map((m) => m.channelId);
      expect(new Set(moved).size).toBe(moved.length);
      expect(moves.filter((m) => m.reason !== 'drain').length).toBeLessThanOrEqual(c.policy.maxMovesPerCycle);
      for (const move of moves) {
        const channel = c.snapshot.channels.find((x) => x.spec.id === move.channelId)!;
        const target = c.snapshot.encoders.find((e) => e.id === move.toEncoderId)!;
        const source = c.snapshot.encoders.find((e) => e.id === channel.owner?.encoderId);
        expect(channel.moving).toBe(false);
        expect(move.fromEncoderId).toBe(channel.owner?.encoderId);
        expect(source?.reachable).toBe(true);
        expect(target.reachable).toBe(true);
        expect(move.rungs).toBeGreaterThanOrEqual(1);
        expect(move.rungs).toBeLessThanOrEqual(3);
        if (move.toEncoderId === move.fromEncoderId) {
          expect(move.reason).toBe('ladder');
          expect(move.rungs).not.toBe(channel.rungs);
          continue;
        }
        expect(target.cordoned || target.draining).toBe(false);
        expect(target.region).toBe(channel.spec.region);
        if (move.reason === 'drain') expect(source?.draining).toBe(true);
        const arriving = moves.filter((m) => m.toEncoderId === target.id && m.fromEncoderId !== target.id);
        const there = c.snapshot.channels.filter((x) => x.owner?.encoderId === target.id);
        expect(there.length + arriving.length).toBeLessThanOrEqual(target.maxSessions);
      }
    });
  });

  test('no move puts its target over its limit, now or at P90', () => {
    check((c, { moves }) => {
      for (const target of c.snapshot.encoders) {
        const arriving = moves.filter((m) => m.toEncoderId === target.id && m.fromEncoderId !== target.id);
        if (arriving.length === 0) continue;
        const staying = c.snapshot.channels.filter(
          (x) =>
            x.owner?.encoderId === target.id &&
            !moves.some((m) => m.channelId === x.spec.id && m.toEncoderId !== target.id),
        );
        const steps = c.forecast ? 7 : 1;
        for (let step = 0; step < steps; step++) {
          const units =
            staying.reduce((sum, x) => sum + (needsOf(c, x.spec.id, x.rungs)[step] ?? 0), 0) +
            arriving.reduce((sum, m) => sum + (needsOf(c, m.channelId, m.rungs)[step] ?? 0), 0);
          expect(units).toBeLessThanOrEqual(target.capacityUnits * c.policy.limitFraction + 1e-6);
        }
      }
    });
  });

  test('a channel that rests moves only because of a drain, a larger ladder or an overload that comes first', () => {
    check((c, { moves }) => {
      for (const move of moves) {
        const { movedAtMs, rungs } = c.snapshot.channels.find((x) => x.spec.id === move.channelId)!;
        const restsUntilMs = movedAtMs === null ? 0 : movedAtMs + c.policy.restSeconds * 1000;
        if (restsUntilMs <= NOW_MS || move.reason === 'drain' || move.reason === 'ladder') continue;
        expect(move.reason).toBe('predicted-overload');
        expect(rungs).toBeGreaterThan(0);
        const inSeconds = move.explanation.figures.secondsUntilOverload ?? Infinity;
        expect(NOW_MS + inSeconds * 1000).toBeLessThan(restsUntilMs);
      }
    });
  });

  test('the same input gives the same plan, whatever the order of its arrays', () => {
    check((c, plan) => {
      expect(planOf(structuredClone(c))).toEqual(plan);
      const { snapshot } = c;
      const reversed: SwarmSnapshot = {
        ...snapshot,
        encoders: [...snapshot.encoders].reverse(),
        channels: [...snapshot.channels].reverse(),
      };
      expect(planOf({ ...c, snapshot: reversed })).toEqual(plan);
    });
  });

  test('every move and every scale change is explained in plain JSON', () => {
    check((_, plan) => {
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      for (const { explanation } of plan.moves) {
        expect(explanation.summary.length).toBeGreaterThan(20);
        expect(Object.values(explanation.figures).every(Number.isFinite)).toBe(true);
      }
      if (plan.scale.kind !== 'none') expect(plan.scale.reason.length).toBeGreaterThan(20);
    });
  });

  test('an encoder is let go only when the others can carry everything', () => {
    check((c, { scale }) => {
      if (scale.kind !== 'deprovision') return;
      const staying = c.snapshot.encoders.filter((e) => e.id !== scale.encoderId && !e.draining);
      const limit = staying.reduce((sum, e) => sum + e.capacityUnits * c.policy.limitFraction, 0);
      const total = c.snapshot.channels.reduce((sum, x) => sum + unitsOfRungs(x.spec, 1), 0);
      expect(total).toBeLessThan(limit);
      expect(staying.length).toBeGreaterThanOrEqual(c.policy.minEncoders);
      expect(c.lowDemandSinceMs).not.toBeNull();
    });
  });

  test('an empty plan on a healthy, unchanged swarm', () => {
    const healthy = fc.tuple(...sixChannels().map(() => fc.integer({ min: 0, max: 999 }))).map((viewers) =>
      withTelemetry({
        cell: 'local',
        atMs: NOW_MS,
        encoders: ['enc-1', 'enc-2', 'enc-3'].map((id) => encoderWith(id)),
        channels: sixChannels().map((spec, i) =>
          channelOn(spec, `enc-${(i % 3) + 1}`, { viewers: viewers[i] ?? 0 }),
        ),
      }),
    );
    fc.assert(
      fc.property(healthy, (snapshot) => {
        const forecast = forecastOf(snapshot, {});
        const policy = policySchema.parse({});
        const plan = planOf({ snapshot, forecast, policy, lowDemandSinceMs: null });
        expect(plan).toEqual({ moves: [], unmet: [], scale: { kind: 'none' }, lowDemandSinceMs: null });
      }),
      { seed, numRuns: 100 },
    );
  });
});
