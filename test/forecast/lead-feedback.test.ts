import type { LeadFeedback } from '../../src/domain';
import { learnFromStep, NO_FEEDBACK, scoredLeads, scoreStep, withFeedback } from '../../src/forecast';
import { seeded } from './support/seeded';

const SEED = 20261122;
const P90 = 1.2816;
/** A forecaster that believes in normal errors of size 10 around 100. */
const believed = { p10: [100 - 10 * P90], p50: [100], p90: [100 + 10 * P90] };

/** Forecasts with what was learned, and learns from what came, step by step. */
class Loop {
  feedback: LeadFeedback = NO_FEEDBACK;
  alarms: number[] = [];
  readonly covered: number[] = [];
  private step = 0;

  constructor(private readonly lead = 1) {}

  add(realised: number): void {
    const curve = withFeedback(believed, new Map([[1, this.feedback]]));
    const issued = { p10: curve.p10[0]!, p50: curve.p50[0]!, p90: curve.p90[0]! };
    const score = scoreStep(issued, realised, null);
    const { feedback, alarm } = learnFromStep(this.feedback, score, this.lead);
    this.feedback = feedback;
    this.covered.push(score.covered);
    if (alarm) this.alarms.push(this.step);
    this.step += 1;
  }

  coverage(from: number, to: number): number {
    const part = this.covered.slice(from, to);
    return part.reduce((sum, c) => sum + c, 0) / part.length;
  }
}

test('a forecast is scored by its pinball loss, coverage, bias and standardised error', () => {
  const issued = { p10: 80, p50: 100, p90: 130 };
  expect(scoreStep(issued, 110, 95)).toEqual({
    realised: 110,
    pinball: (0.1 * 30 + 0.5 * 10 + 0.1 * 20) / 3,
    covered: 1,
    over90: 0,
    bias: -10,
    absoluteError: 10,
    naiveError: 15,
    standardised: (10 / 30) * P90,
  });
  expect(scoreStep(issued, 130.5, null)).toMatchObject({ covered: 0, over90: 1, naiveError: null });
  expect(scoreStep(issued, 79, null)).toMatchObject({ covered: 0, over90: 0, bias: 21 });
  expect(scoreStep(issued, 1e9, null).standardised).toBe(4);
  // A constant series: no band to measure by.
  expect(scoreStep({ p10: 0, p50: 0, p90: 0 }, 0, 0)).toMatchObject({
    pinball: 0,
    covered: 1,
    standardised: 0,
  });
});

describe(`coverage under errors that change (seed ${SEED})`, () => {
  test('errors three times as large: back to 0.80 within 100 steps, and kept there', () => {
    const random = seeded(SEED);
    const loop = new Loop();
    for (let t = 0; t < 2_000; t++) loop.add(100 + 10 * random.normal());
    expect(loop.coverage(0, 2_000)).toBeCloseTo(0.8, 1);
    for (let t = 0; t < 2_000; t++) loop.add(100 + 30 * random.normal());
    // Without feedback it would be P(|normal| < P90 / 3) = 0.33.
    expect(loop.coverage(2_000, 2_030)).toBeLessThan(0.7);
    expect(Math.abs(loop.coverage(2_100, 4_000) - 0.8)).toBeLessThan(0.02);
    expect(loop.feedback.widthHigh).toBeGreaterThan(2);
    for (let t = 0; t < 2_000; t++) loop.add(100 + 5 * random.normal());
    expect(Math.abs(loop.coverage(4_200, 6_000) - 0.8)).toBeLessThan(0.02);
    expect(loop.feedback.widthHigh).toBeLessThan(1);
  });

  test('a shift of the level: P90 holds at once, then P50 follows, and the band is right again', () => {
    const random = seeded(SEED + 1);
    const loop = new Loop();
    for (let t = 0; t < 1_000; t++) loop.add(100 + 10 * random.normal());
    expect(Math.abs(loop.feedback.shift)).toBeLessThan(0.2);
    for (let t = 0; t < 2_000; t++) loop.add(125 + 10 * random.normal());
    expect(loop.coverage(1_000, 1_010)).toBeLessThan(0.5);
    expect(loop.coverage(1_030, 1_130)).toBeGreaterThan(0.75);
    expect(Math.abs(loop.coverage(1_500, 3_000) - 0.8)).toBeLessThan(0.02);
    const learned = withFeedback(believed, new Map([[1, loop.feedback]]));
    expect(Math.abs(learned.p50[0]! - 125)).toBeLessThan(4);
  });

  test('errors that hang together over 8 steps: still 0.80 in the long run', () => {
    const random = seeded(SEED + 2);
    const loop = new Loop(8);
    const recent: number[] = [];
    for (let t = 0; t < 8_000; t++) {
      recent.push(random.normal());
      if (recent.length > 8) recent.shift();
      loop.add(100 + (10 * recent.reduce((a, b) => a + b, 0)) / Math.sqrt(8));
    }
    expect(Math.abs(loop.coverage(500, 8_000) - 0.8)).toBeLessThan(0.02);
  });
});

describe(`drift (seed ${SEED})`, () => {
  test.each([
    [1, 12],
    [4, 30],
    [8, 60],
  ])('a shift of 3 standard errors is found %i steps ahead within %i steps, and once', (lead, within) => {
    const random = seeded(SEED);
    const loop = new Loop(lead);
    for (let t = 0; t < 500; t++) loop.add(100 + 10 * random.normal());
    expect(loop.alarms).toEqual([]);
    for (let t = 0; t < within; t++) loop.add(130 + 10 * random.normal());
    expect(loop.alarms).toHaveLength(1);
    expect(loop.feedback.alarmSteps).toBeGreaterThan(0);
  });

  test('the alarm ends a day after the errors have settled', () => {
    const random = seeded(SEED);
    const loop = new Loop();
    for (let t = 0; t < 60; t++) loop.add(130 + 10 * random.normal());
    expect(loop.alarms.length).toBeGreaterThan(0);
    for (let t = 0; t < 60; t++) loop.add(100 + 10 * random.normal());
    expect(loop.feedback.alarmSteps).toBe(0);
  });

  test('single wild values are no drift', () => {
    const random = seeded(SEED);
    const loop = new Loop();
    for (let t = 0; t < 2_000; t++) loop.add(t % 50 === 0 ? 10_000 : 100 + 10 * random.normal());
    expect(loop.alarms).toEqual([]);
  });

  test('100,000 ordinary steps, with heavy tails and each lead’s own correlation: at most 2 false alarms', () => {
    let alarms = 0;
    for (const lead of [1, 2, 4, 8]) {
      const random = seeded(SEED + lead);
      const loop = new Loop(lead);
      const recent: number[] = [];
      for (let t = 0; t < 25_000; t++) {
        recent.push(random.normal() / Math.sqrt(0.5 + random.uniform()));
        if (recent.length > lead) recent.shift();
        loop.add(100 + (10 * recent.reduce((a, b) => a + b, 0)) / Math.sqrt(lead));
      }
      alarms += loop.alarms.length;
    }
    expect(alarms).toBeLessThanOrEqual(2);
  });
});

test('a curve takes the width of the nearest scored lead, stays in order and never falls below 0', () => {
  const curve = { p10: [5, 5, 0, 10], p50: [10, 10, 1, 10], p90: [15, 15, 9, 10] };
  const wide = { ...NO_FEEDBACK, widthLow: 4, widthHigh: 2 };
  const learned = withFeedback(
    curve,
    new Map([
      [1, NO_FEEDBACK],
      [4, wide],
    ]),
  );
  expect(learned.p10).toEqual([5, 5, 0, 10 - 4 * 0.1]);
  expect(learned.p50).toEqual(curve.p50);
  // The last step has no band of its own: it counts as a hundredth of the forecast.
  expect(learned.p90).toEqual([15, 15, 17, 10 + 2 * 0.1]);
  expect(withFeedback(curve, new Map())).toEqual(curve);
});

test('leads that are scored reach to the end of usual horizons and stay few', () => {
  expect(scoredLeads(8)).toEqual([1, 2, 3, 4, 6, 8]);
  expect(scoredLeads(24).at(-1)).toBe(24);
  expect(scoredLeads(168)).toHaveLength(15);
  expect(scoredLeads(0)).toEqual([]);
});
