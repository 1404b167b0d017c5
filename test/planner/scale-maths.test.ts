import { policySchema, type ProvisioningOutcome } from '../../src/domain';
import { combinedCurve } from '../../src/planner/capacity';
import { askAgainAtMs, expectedEncoders, failingZones, leadTimeOf } from '../../src/planner/lead-time';
import { criticalFractile, normalQuantile, quantileAt } from '../../src/planner/newsvendor';
import { nextZones } from '../../src/planner/zones';
import fc from '../support/fast-check';

/** After all that the outcomes tell of. */
const LATER = 1_000_000;

describe('newsvendor', () => {
  test('the fractile is cu / (cu + co), and only the ratio of the prices counts', () => {
    // An idle encoder costs 0.6 / 60 = 0.01 a minute, a missing one 0.09: 0.09 / 0.10.
    expect(criticalFractile({ encoderHourPrice: 0.6, overloadedMinutePrice: 0.09 })).toBeCloseTo(0.9, 12);
    expect(criticalFractile({ encoderHourPrice: 600, overloadedMinutePrice: 90 })).toBeCloseTo(0.9, 12);
    expect(criticalFractile({ encoderHourPrice: 60, overloadedMinutePrice: 1 })).toBeCloseTo(0.5, 12);
    expect(criticalFractile({ encoderHourPrice: 1e-9, overloadedMinutePrice: 1 })).toBe(0.995);
    expect(criticalFractile(policySchema.parse({}))).toBeCloseTo(0.25 / (0.25 + 1 / 60), 12);
  });

  test('normal quantiles as in tables', () => {
    for (const [level, z] of [
      [0.5, 0],
      [0.9, 1.2815515655],
      [0.975, 1.9599639845],
      [0.995, 2.5758293035],
      [0.01, -2.326347874],
    ] as const) {
      expect(normalQuantile(level)).toBeCloseTo(z, 7);
    }
  });

  test('quantiles pass through P10, P50 and P90, each side with its own width, never below 0', () => {
    const curve = { p10: [90, 0], p50: [100, 1], p90: [130, 4] };
    expect(quantileAt(curve, 0, 0.1)).toBeCloseTo(90, 6);
    expect(quantileAt(curve, 0, 0.5)).toBeCloseTo(100, 6);
    expect(quantileAt(curve, 0, 0.9)).toBeCloseTo(130, 6);
    // Standard score of 0.75 is 0.6745: 100 + 30 x 0.6745 / 1.2816.
    expect(quantileAt(curve, 0, 0.75)).toBeCloseTo(115.789, 2);
    expect(quantileAt(curve, 1, 0.01)).toBe(0);
  });

  test('a higher level never gives less', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000)),
        fc.tuple(fc.integer({ min: 1, max: 994 }), fc.integer({ min: 1, max: 994 })),
        ([p10, up, further], levels) => {
          const curve = { p10: [p10], p50: [p10 + up], p90: [p10 + up + further] };
          const [low, high] = [Math.min(...levels) / 995, Math.max(...levels) / 995];
          expect(quantileAt(curve, 0, low)).toBeLessThanOrEqual(quantileAt(curve, 0, high) + 1e-9);
        },
      ),
      { seed: 5 },
    );
  });
});

test('the P90 of a sum lies between its P50 and the sum of the P90s', () => {
  const one = { p10: [8], p50: [10], p90: [14] };
  const total = combinedCurve([one, one, one, one], 1);
  expect(total.p50[0]).toBe(40);
  // sqrt(0.8 x 4 x 16 + 0.2 x 16 x 16) = 10.119 above, not 4 x 4.
  expect(total.p90[0]).toBeCloseTo(50.119, 3);
  expect(total.p10[0]).toBeCloseTo(40 - 5.06, 2);
  expect(combinedCurve([one], 1).p90[0]).toBeCloseTo(14, 9);
});

describe('lead time', () => {
  const tookSeconds = (seconds: number, got = 1, askedAtMs = 5_000): ProvisioningOutcome => ({
    askedAtMs,
    endedAtMs: askedAtMs + seconds * 1000,
    asked: 1,
    got,
  });

  test('before anything was measured: the slow end of 1 to 5 minutes', () => {
    expect(leadTimeOf([])).toEqual({ seconds: 300, medianSeconds: 180, observations: 0 });
  });

  test('what it really took takes the place of the prior', () => {
    const fast = Array.from({ length: 40 }, (_, i) => tookSeconds(20 + (i % 10)));
    const learned = leadTimeOf(fast);
    expect(learned.seconds).toBeLessThanOrEqual(29);
    expect(learned.seconds).toBeGreaterThanOrEqual(27);
    expect(learned.medianSeconds).toBeGreaterThanOrEqual(24);
    const slow = leadTimeOf(Array.from({ length: 40 }, () => tookSeconds(900)));
    expect(slow.seconds).toBe(900);
  });

  test('only the last 40 outcomes count', () => {
    const old = Array.from({ length: 100 }, () => tookSeconds(2_000));
    const recent = Array.from({ length: 40 }, () => tookSeconds(60));
    expect(leadTimeOf([...old, ...recent]).seconds).toBe(60);
  });

  test('a failed request costs its own time and that of another one', () => {
    const outcomes = [
      ...Array.from({ length: 10 }, () => tookSeconds(100)),
      ...Array.from({ length: 10 }, () => tookSeconds(400, 0)),
    ];
    expect(leadTimeOf(outcomes).seconds).toBe(500);
  });

  test('more or slower outcomes never make it shorter', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 39 }), (seconds) => {
        const before = leadTimeOf(seconds.map((s) => tookSeconds(s))).seconds;
        const slower = leadTimeOf(seconds.map((s) => tookSeconds(s * 2))).seconds;
        expect(slower).toBeGreaterThanOrEqual(before);
      }),
      { seed: 6 },
    );
  });

  test('what is long overdue is not counted on', () => {
    const leadTime = { seconds: 300, medianSeconds: 180, observations: 0 };
    const at = (askedAtMs: number) => ({ requestId: `r${askedAtMs}`, askedAtMs });
    expect(expectedEncoders([at(0), at(100_000)], leadTime, 650_000)).toEqual([at(100_000)]);
  });

  test('after failures in a row it asks again ever later, up to 5 minutes', () => {
    expect(askAgainAtMs([], LATER)).toBe(0);
    expect(askAgainAtMs([tookSeconds(10)], LATER)).toBe(0);
    expect(askAgainAtMs([tookSeconds(10), tookSeconds(10, 0, 100_000)], LATER)).toBe(125_000);
    expect(askAgainAtMs([tookSeconds(10, 0), tookSeconds(19, 0, 1_000)], LATER)).toBe(50_000);
    const many = Array.from({ length: 20 }, (_, i) => tookSeconds(10 - i / 1000, 0, i));
    expect(askAgainAtMs(many, LATER)).toBe(310_000);
    expect(askAgainAtMs([...many, tookSeconds(11)], LATER)).toBe(0);
  });

  test('requests that were made together and failed together are one failure', () => {
    expect(askAgainAtMs([tookSeconds(10, 0), tookSeconds(10, 0), tookSeconds(10, 0)], LATER)).toBe(30_000);
  });
});

test('a zone fails while its last request did, for five minutes', () => {
  const inZone = (zone: string, got: number, endedAtMs: number) => ({
    ...{ zone, got, endedAtMs },
    ...{ askedAtMs: 0, asked: 1 },
  });
  const outcomes = [inZone('a', 0, 1_000), inZone('b', 0, 2_000), inZone('b', 1, 3_000)];
  expect([...failingZones(outcomes, 4_000)]).toEqual(['a']);
  expect([...failingZones(outcomes, 301_001)]).toEqual([]);
});

test('failures that a clock, set back since, dated tomorrow keep nobody from asking', () => {
  const tomorrow = 86_400_000;
  const failed = { zone: 'a', got: 0, asked: 1, askedAtMs: tomorrow - 1_000, endedAtMs: tomorrow };
  expect(askAgainAtMs([failed], 5_000)).toBe(0);
  expect(askAgainAtMs([failed], tomorrow)).toBe(tomorrow + 15_000);
  expect([...failingZones([failed], 5_000)]).toEqual([]);
});

test('encoders go where there are fewest, but not where none is to be had', () => {
  expect(nextZones(3, ['a', 'a', 'b'], [], new Set(['b']))).toEqual(['a', 'a', 'a']);
  expect(nextZones(1, ['a', 'a', 'b'], [], new Set(['a', 'b']))).toEqual(['b']);
});

test('encoders go where there are fewest', () => {
  expect(nextZones(4, ['a', 'a', 'b'], ['a', 'b', 'c'])).toEqual(['c', 'b', 'c', 'a']);
  expect(nextZones(2, [])).toEqual([]);
  expect(nextZones(0, ['a'])).toEqual([]);
});
