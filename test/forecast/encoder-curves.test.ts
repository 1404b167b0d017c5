import type { CellForecast, DemandCurve } from '../../src/domain';
import { encoderCurves, errorCorrelation, sumCurves } from '../../src/forecast';
import { seeded } from './support/seeded';

const SEED = 77;
const P90 = 1.2816;
const normalCurve = (mean: number, sigma: number): DemandCurve => ({
  p10: [mean - P90 * sigma],
  p50: [mean],
  p90: [mean + P90 * sigma],
});

const quantile = (values: number[], level: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(level * values.length)]!;

test.each([0, 0.3, 1])(
  `sums of normal errors with correlation %d have these quantiles (Monte Carlo, seed ${SEED})`,
  (correlation) => {
    const random = seeded(SEED);
    const parts = [
      { mean: 100, sigma: 10 },
      { mean: 50, sigma: 20 },
      { mean: 80, sigma: 5 },
    ];
    const sums = Array.from({ length: 40_000 }, () => {
      const common = random.normal();
      return parts.reduce(
        (sum, { mean, sigma }) =>
          sum +
          mean +
          sigma * (Math.sqrt(correlation) * common + Math.sqrt(1 - correlation) * random.normal()),
        0,
      );
    });
    const sum = sumCurves(
      parts.map(({ mean, sigma }) => normalCurve(mean, sigma)),
      correlation,
    );
    expect(sum.p50[0]).toBe(230);
    expect(Math.abs(sum.p90[0]! - quantile(sums, 0.9))).toBeLessThan(0.8);
    expect(Math.abs(sum.p10[0]! - quantile(sums, 0.1))).toBeLessThan(0.8);
  },
);

test('correlation 1 is the plain sum of quantiles, the upper bound; less gives less, 0 the least', () => {
  const curves = [normalCurve(3, 1), normalCurve(2, 0.5)];
  const at = (correlation: number): number => sumCurves(curves, correlation).p90[0]!;
  expect(at(1)).toBeCloseTo(curves[0]!.p90[0]! + curves[1]!.p90[0]!);
  expect(at(0)).toBeLessThan(at(0.5));
  expect(at(0.5)).toBeLessThan(at(1));
  expect([at(-3), at(7)]).toEqual([at(0), at(1)]);
  expect(sumCurves([], 1, 3)).toEqual({ p10: [0, 0, 0], p50: [0, 0, 0], p90: [0, 0, 0] });
  expect(
    sumCurves(
      [
        { p10: [0], p50: [1], p90: [1] },
        { p10: [0], p50: [1], p90: [1] },
      ],
      1,
    ).p10,
  ).toEqual([0]);
});

describe('what if', () => {
  const forecast: CellForecast = {
    ...{ forecastId: 'f', model: 'm', issuedAtMs: 0, stepSeconds: 5, horizonSteps: 1, viewers: {}, held: [] },
    channelUnits: { 'ch-1': normalCurve(3, 0.5), 'ch-2': normalCurve(2, 0.5), 'ch-3': normalCurve(1, 0) },
  };
  const now = { 'ch-1': 'enc-1', 'ch-2': 'enc-1', 'ch-3': 'enc-2' };

  test('a channel that moves takes its demand along; the others keep theirs', () => {
    const peaks = (placement: Record<string, string>): Record<string, number | undefined> =>
      Object.fromEntries(
        encoderCurves(forecast, placement).map(({ encoderId, units }) => [encoderId, units?.p90[0]]),
      );
    const [before, then] = [peaks(now), peaks({ ...now, 'ch-1': 'enc-2' })];
    expect(before['enc-1']).toBeCloseTo(5 + P90);
    expect(before['enc-2']).toBeCloseTo(1);
    expect(then['enc-1']).toBeCloseTo(2 + P90 * 0.5);
    expect(then['enc-2']).toBeCloseTo(4 + P90 * 0.5);
  });

  test('the forecast’s own correlation is used, unless another is asked for', () => {
    const learned = { ...forecast, errorCorrelation: 0 };
    const p90 = (options?: { correlation: number }): number =>
      encoderCurves(learned, now, options)[0]!.units!.p90[0]!;
    expect(p90()).toBeCloseTo(5 + P90 * Math.sqrt(0.5));
    expect(p90({ correlation: 1 })).toBeCloseTo(5 + P90);
  });

  test('an encoder with nothing has no demand; one with an unknown channel has no answer', () => {
    const curves = encoderCurves(forecast, { ...now, 'ch-9': 'enc-3' }, { encoderIds: ['enc-4'] });
    expect(curves.map(({ encoderId, channelIds, units }) => [encoderId, channelIds, units?.p50])).toEqual([
      ['enc-1', ['ch-1', 'ch-2'], [5]],
      ['enc-2', ['ch-3'], [1]],
      ['enc-3', ['ch-9'], undefined],
      ['enc-4', [], [0]],
    ]);
  });
});

describe(`correlation of errors (seed ${SEED})`, () => {
  const errorsWith = (correlation: number, series: number, steps: number): number[][] => {
    const random = seeded(SEED);
    const all = Array.from({ length: series }, () => [] as number[]);
    for (let step = 0; step < steps; step++) {
      const common = random.normal();
      for (const one of all)
        one.push(Math.sqrt(correlation) * common + Math.sqrt(1 - correlation) * random.normal());
    }
    return all;
  };

  test.each([0, 0.4, 0.9])('%d is found in 2,000 steps of 6 series', (correlation) => {
    expect(Math.abs(errorCorrelation(errorsWith(correlation, 6, 2_000)) - correlation)).toBeLessThan(0.06);
  });

  test('with few steps it leans to the safe side, with none it is 1', () => {
    expect(errorCorrelation(errorsWith(0, 6, 50))).toBeGreaterThan(0.4);
    expect(errorCorrelation(errorsWith(0, 6, 10))).toBe(1);
    expect(errorCorrelation([])).toBe(1);
    expect(errorCorrelation([Array<number>(50).fill(0), Array<number>(50).fill(0)])).toBe(1);
  });
});
