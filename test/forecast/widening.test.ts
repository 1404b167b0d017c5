import { toDemand } from '../../src/forecast/clean-series';
import type { CleanSeries } from '../../src/forecast/clean-series';
import { clockParts } from '../../src/forecast/clock';
import { forecastEnsemble, type EnsembleFit } from '../../src/forecast/ensemble';
import { WidthTracker } from '../../src/forecast/width-tracker';

const HORIZON = 3;
const DAY_STEPS = 24;
const SCALE = 100;
const CENTER = 1;
const SIZE = 0.2;

/** One member that always forecasts `CENTER`, whose errors are -1, 0.5 and 2 of their size at P10, P50 and P90. */
const fit: EnsembleFit = {
  horizon: HORIZON,
  scale: SCALE,
  eventEffect: null,
  members: [{ name: 'flat', forecast: () => new Float64Array(HORIZON).fill(CENTER) }],
  externalMembers: [],
  weights: Array.from({ length: clockParts(DAY_STEPS) }, () => new Float64Array(HORIZON).fill(1)),
  sizes: {
    bySlot: new Float64Array(DAY_STEPS).fill(SIZE),
    byAhead: new Float64Array(HORIZON).fill(1),
    eventFactor: 1,
  },
  quantiles: new Map(
    Array.from({ length: clockParts(DAY_STEPS) }, (_, part) => [
      part,
      {
        p10: new Float64Array(HORIZON).fill(-1),
        p50: new Float64Array(HORIZON).fill(0.5),
        p90: new Float64Array(HORIZON).fill(2),
      },
    ]),
  ),
};
const series = {
  z: new Float64Array(48).fill(CENTER),
  firstStep: 0,
  daySteps: DAY_STEPS,
  scale: SCALE,
} as unknown as CleanSeries;

const curveWith = (widening?: { below: number; above: number }) =>
  forecastEnsemble(fit, series, [], [], widening).curve;
const demand = (z: number): number[] => new Array<number>(HORIZON).fill(toDemand(z, SCALE));
/** P50 is the centre moved by the median error. */
const MIDDLE = CENTER + 0.5 * SIZE;

test('without anything learned of its width a forecast has the quantiles of its errors', () => {
  const curve = curveWith();
  expect(curve.p50).toEqual(demand(MIDDLE));
  curve.p10.forEach((value) => expect(value).toBeCloseTo(toDemand(CENTER - SIZE, SCALE), 9));
  curve.p90.forEach((value) => expect(value).toBeCloseTo(toDemand(CENTER + 2 * SIZE, SCALE), 9));
});

test.each([
  [1, 1],
  [2, 1],
  [1, 2],
  [0.5, 3],
  [0, 0],
])(
  'widened by %d below and %d above, P10 and P90 move from P50 by just that, and P50 does not',
  (below, above) => {
    const curve = curveWith({ below, above });
    expect(curve.p50).toEqual(demand(MIDDLE));
    curve.p10.forEach((value) => expect(value).toBeCloseTo(toDemand(MIDDLE - 1.5 * SIZE * below, SCALE), 9));
    curve.p90.forEach((value) => expect(value).toBeCloseTo(toDemand(MIDDLE + 1.5 * SIZE * above, SCALE), 9));
  },
);

describe('the width that is learned', () => {
  const curve = { p10: [10, 10, 10, 10], p50: [20, 20, 20, 20], p90: [30, 30, 30, 30] };
  const after = (...truths: number[][]): { below: number; above: number } => {
    const tracker = new WidthTracker();
    truths.forEach((truth, i) => {
      tracker.issued(4 * i, curve);
      tracker.learn(4 * i, Float64Array.from(truth));
    });
    return tracker.widening;
  };
  /** A step of four of one forecast, in log units. */
  const RATE = 0.02 / Math.sqrt(4);

  test('is 1 before anything is known, and while a forecast is not over', () => {
    expect(new WidthTracker().widening).toEqual({ below: 1, above: 1 });
    expect(after([50, 50, 50])).toEqual({ below: 1, above: 1 });
  });

  test('grows on the side where the truth lay outside, and shrinks a little on the other', () => {
    const { below, above } = after([31, 31, 31, 31]);
    expect(above).toBeCloseTo(Math.exp(4 * RATE * 0.9), 12);
    expect(below).toBeCloseTo(Math.exp(-4 * RATE * 0.1), 12);
    expect(after([9, 9, 9, 9]).below).toBeCloseTo(above, 12);
  });

  test('on the edge of the band is inside of it; a hole says nothing', () => {
    const inside = Math.exp(-2 * RATE * 0.1);
    expect(after([10, 30, NaN, NaN])).toEqual({
      below: expect.closeTo(inside, 12),
      above: expect.closeTo(inside, 12),
    });
  });

  test('stays as it is where one step in ten lies outside', () => {
    const days = Array.from({ length: 10 }, (_, i) =>
      [i, i + 1, i + 2, i + 3].map((n) => (n % 10 === 0 ? 31 : 20)),
    );
    const outside = days.flat().filter((n) => n > 30).length;
    expect(outside).toBe(4);
    expect(after(...days).above).toBeCloseTo(1, 12);
  });

  test('is never more than twice or less than half', () => {
    const always = Array.from({ length: 200 }, () => [99, 99, 99, 99]);
    expect(after(...always)).toEqual({ below: expect.closeTo(0.5, 12), above: expect.closeTo(2, 12) });
  });

  test('takes in forecasts whose steps become known late, and each once', () => {
    const tracker = new WidthTracker();
    tracker.issued(0, curve);
    tracker.issued(2, curve);
    tracker.learn(0, Float64Array.from([31, 31, 31, 31, 31]));
    // The second one's last step is not known yet.
    expect(tracker.widening.above).toBeCloseTo(Math.exp(4 * RATE * 0.9), 12);
    tracker.learn(2, Float64Array.from([31, 31, 31, 31]));
    tracker.learn(6, Float64Array.from([31]));
    expect(tracker.widening.above).toBeCloseTo(Math.exp(8 * RATE * 0.9), 12);
  });
});

test('steps of which nothing is known, before the truth begins or in its holes, teach nothing', () => {
  const curve = { p10: [1, 1, 1, 1], p50: [2, 2, 2, 2], p90: [3, 3, 3, 3] };
  const tracker = new WidthTracker();
  tracker.issued(10, curve);
  // Step 10 was before what is known, 12 is a hole; 11 lay above, 13 within.
  tracker.learn(11, Float64Array.from([9, NaN, 2]));
  const rate = 0.02 / Math.sqrt(4);
  expect(tracker.widening.above).toBeCloseTo(Math.exp(rate * (0.9 - 0.1)), 12);
  expect(tracker.widening.below).toBeCloseTo(Math.exp(rate * (-0.1 - 0.1)), 12);
});
