import { loadTrace } from '../../src/collector/audience/trace';
import { forecastSeries, type ForecastShape } from '../../src/forecast';
import { conformalQuantile, weightedMedian } from '../../src/forecast/quantiles';
import fc from '../support/fast-check';

const shape: ForecastShape = { stepSeconds: 5, horizonSteps: 6, seasonSteps: 24 };
const seed = Number(process.env.FAST_CHECK_SEED ?? 20_261_122);

/** Three weeks of a day that repeats. */
const daily = (valueOf: (hour: number) => number, days = 21): number[] =>
  Array.from({ length: days * 24 }, (_, i) => valueOf(i % 24));
const ramp = (hour: number): number => 100 + 50 * hour;

describe('quantiles', () => {
  test('the conformal quantile takes the rank ceil((n + 1) * level)', () => {
    const nine = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(conformalQuantile(nine, 0.9)).toBe(9);
    expect(conformalQuantile(nine, 0.5)).toBe(5);
    expect(conformalQuantile(nine, 0.1)).toBe(1);
  });

  test('the weighted median follows the weight, not the count', () => {
    expect(weightedMedian([1, 2, 100], [1, 1, 1])).toBe(2);
    expect(weightedMedian([1, 2, 100], [1, 1, 5])).toBe(100);
  });
});

describe('forecastSeries', () => {
  test('a day that always repeats is forecast exactly, with no spread', () => {
    const { curve, held, model } = forecastSeries(daily(ramp), shape);
    expect(held).toBe(false);
    expect(model).toBe('seasonal-naive');
    expect(curve.p50).toEqual([0, 1, 2, 3, 4, 5].map(ramp));
    expect(curve.p90).toEqual(curve.p50);
    expect(curve.p10).toEqual(curve.p50);
  });

  test('a constant series stays constant, zero too', () => {
    for (const value of [0, 7]) {
      const { curve, held } = forecastSeries(
        daily(() => value),
        shape,
      );
      expect(held).toBe(false);
      expect(curve).toEqual({
        p10: Array(6).fill(value),
        p50: Array(6).fill(value),
        p90: Array(6).fill(value),
      });
    }
  });

  test('a day that runs twice as high as usual is forecast high, less so further ahead', () => {
    const history = daily(ramp, 20).concat(
      daily(ramp, 1)
        .slice(0, 12)
        .map((v) => v * 2),
    );
    const { curve } = forecastSeries(history, shape);
    const ratios = curve.p50.map((value, k) => value / ramp(12 + k));
    expect(ratios[0]).toBeGreaterThan(1.7);
    expect(ratios[0]).toBeLessThan(2);
    for (let k = 1; k < 6; k++) expect(ratios[k]).toBeLessThan(ratios[k - 1] as number);
  });

  test('the same weekday weighs more than yesterday', () => {
    const weekly = Array.from({ length: 21 * 24 }, (_, i) => (Math.floor(i / 24) % 7 < 5 ? 100 : 1000));
    const saturday = weekly.slice(0, (14 + 5) * 24);
    expect(forecastSeries(saturday, shape).curve.p50[5]).toBeGreaterThan(500);
  });

  test.each([1, 5, 60, 503])('a spike of 100 times, %i steps back, does not blow up', (back) => {
    const history = daily(ramp);
    const usual = forecastSeries(history, shape).curve;
    history[history.length - back] = 100 * ramp(12);
    const { curve } = forecastSeries(history, shape);
    curve.p90.forEach((value, k) => expect(value).toBeLessThan(1.5 * (usual.p90[k] as number)));
  });

  test.each([
    ['no history', [], 0],
    ['only holes', [null, NaN, null], 0],
    ['a few steps', [10, 20, 30], 20],
    ['one day', daily(() => 40, 1), 40],
  ])('%s: holds the current level, widened', (_, history, level) => {
    const { curve, held, model } = forecastSeries(history, shape);
    expect(held).toBe(true);
    expect(model).toBe('hold-level');
    expect(curve.p50).toEqual(Array(6).fill(level));
    if (level > 0) {
      expect(curve.p90[0]).toBeGreaterThan(level);
      expect(curve.p90[5]).toBeGreaterThan(curve.p90[0] as number);
      expect(curve.p10[5]).toBeLessThan(curve.p10[0] as number);
    }
  });

  test('holes in an otherwise long history do no harm', () => {
    const history: (number | null)[] = daily(ramp);
    for (let i = 0; i < history.length; i += 5) history[i] = i % 2 ? null : NaN;
    const { curve, held } = forecastSeries(history, shape);
    expect(held).toBe(false);
    curve.p50.forEach((value, k) => expect(value).toBeCloseTo(ramp(k), 6));
  });

  test(`whatever the history: finite, ordered, never negative (seed ${seed})`, () => {
    const value = fc.oneof(
      { weight: 8, arbitrary: fc.double({ min: 0, max: 1e6, noNaN: true }) },
      fc.constantFrom(null, NaN, Infinity, -Infinity, -5, 0, 1e308),
    );
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 2, max: 24 }),
        (history, horizonSteps, seasonSteps) => {
          const { curve } = forecastSeries(history, { stepSeconds: 5, horizonSteps, seasonSteps });
          for (const quantile of [curve.p10, curve.p50, curve.p90])
            expect(quantile).toHaveLength(horizonSteps);
          for (let k = 0; k < horizonSteps; k++) {
            const [p10, p50, p90] = [curve.p10[k], curve.p50[k], curve.p90[k]] as [number, number, number];
            expect([p10, p50, p90].every(Number.isFinite)).toBe(true);
            expect(p10).toBeGreaterThanOrEqual(0);
            expect(p50).toBeGreaterThanOrEqual(p10);
            expect(p90).toBeGreaterThanOrEqual(p50);
          }
        },
      ),
      { seed, numRuns: 300 },
    );
  });

  test('on the real trace: 80 % lies within P10 and P90, and it beats yesterday', async () => {
    const trace = await loadTrace();
    let [within, over, steps, error, naiveError] = [0, 0, 0, 0, 0];
    for (let origin = 504; origin + 6 <= trace.length; origin += 11) {
      const history = [...trace.subarray(origin - 504, origin)];
      const { curve } = forecastSeries(history, shape);
      for (let k = 0; k < 6; k++) {
        const actual = trace[origin + k] as number;
        steps++;
        if (actual >= (curve.p10[k] as number) && actual <= (curve.p90[k] as number)) within++;
        if (actual > (curve.p90[k] as number)) over++;
        error += Math.abs(actual - (curve.p50[k] as number));
        naiveError += Math.abs(actual - (trace[origin + k - 24] as number));
      }
    }
    expect(within / steps).toBeGreaterThan(0.72);
    expect(within / steps).toBeLessThan(0.9);
    expect(over / steps).toBeLessThan(0.16);
    expect(error).toBeLessThan(0.5 * naiveError);
  });
});
