import { loadTrace } from '../../src/collector/audience/trace';
import { seededRandom } from '../../src/domain';
import {
  createSeriesForecaster,
  ENSEMBLE_MODEL,
  HOLD_MODEL,
  type SeriesToForecast,
} from '../../src/forecast';
import { generatedSeries } from '../../src/forecast/net';
import fc from '../support/fast-check';

const seed = Number(process.env.FAST_CHECK_SEED ?? 20_261_128);
const DAY = 24;
const START_MS = Date.UTC(2026, 9, 5);
const forecaster = createSeriesForecaster();

type History = (number | null)[];
const seriesOf = (history: History, options: Partial<SeriesToForecast> = {}): SeriesToForecast => ({
  id: 'one',
  stepSeconds: 3_600,
  startMs: START_MS,
  history,
  horizonSteps: 24,
  ...options,
});
const sane = (series: SeriesToForecast) => {
  const [forecast] = forecaster.forecast([series]);
  const { p10, p50, p90 } = forecast!.curve;
  for (const quantile of [p10, p50, p90]) expect(quantile).toHaveLength(series.horizonSteps);
  // One expectation for all steps: the properties below make thousands of them.
  const bad = p50.flatMap((middle, k) => {
    const [low, high] = [p10[k]!, p90[k]!];
    return low >= 0 && middle >= low && high >= middle && Number.isFinite(high)
      ? []
      : [[k, low, middle, high]];
  });
  expect(bad).toEqual([]);
  return forecast!;
};

const random = seededRandom(7);
/** Four weeks: a day between 100 and 500, half on weekends, 5 % of noise. */
const clean: number[] = Array.from({ length: 28 * DAY }, (_, i) => {
  const weekend = Math.floor(i / DAY) % 7 >= 5 ? 0.5 : 1;
  return weekend * (300 + 200 * Math.sin((2 * Math.PI * i) / DAY)) * (0.95 + 0.1 * random());
});
const usual = sane(seriesOf(clean)).curve;
/** Within a quarter of what the undamaged history gives. */
const expectUsual = ({ p50 }: { p50: number[] }): void =>
  p50.forEach((value, k) => {
    expect(value).toBeGreaterThan(0.75 * usual.p50[k]!);
    expect(value).toBeLessThan(1.25 * usual.p50[k]!);
  });

describe('cold start', () => {
  test.each([
    ['a new channel', 0],
    ['two hours of history', 2],
    ['a day', 24],
    ['a day and a half', 36],
    ['two days', 48],
    ['three days', 72],
    ['eight days', 192],
    ['two weeks and an hour', 337],
  ])('%s', (_, steps) => {
    const { held, model, curve } = sane(seriesOf(clean.slice(0, steps)));
    expect(held).toBe(steps <= 48);
    expect(model).toBe(held ? HOLD_MODEL : steps >= 72 ? ENSEMBLE_MODEL : 'seasonal-naive');
    // What is held is held wide: the half of the level to each side, a day ahead.
    if (held && steps > 0) expect(curve.p90.at(-1)! - curve.p10.at(-1)!).toBeGreaterThan(curve.p50.at(-1)!);
  });
});

describe('dirt in four weeks of history', () => {
  const damaged = (at: (value: number, i: number) => number | null): History => clean.map(at);
  const end = clean.length;

  test.each<[string, History]>([
    ['a hole of a day', damaged((v, i) => (i >= end - 60 && i < end - 36 ? null : v))],
    ['a fifth missing, NaN', damaged((v, i) => (i % 5 === 2 ? NaN : v))],
    ['zeros for what was not measured', damaged((v, i) => (i >= end - 90 && i < end - 84 ? 0 : v))],
    ['a counter that was reset (negative rates)', damaged((v, i) => (i % 100 === 50 ? -4e6 : v))],
    ['a counter that wrapped (absurd rates)', damaged((v, i) => (i % 100 === 50 ? 1.8e19 : v))],
    ['infinities', damaged((v, i) => (i % 97 === 0 ? Infinity : v))],
    ['a spike of 100 times, a day ago', damaged((v, i) => (i === end - 24 ? 100 * v : v))],
    ['a spike of 100 times, half a day ago', damaged((v, i) => (i === end - 12 ? 100 * v : v))],
  ])('%s changes little', (_, history) => {
    expectUsual(sane(seriesOf(history)).curve);
  });

  test('a spike of 100 times in the latest step does not become the forecast', () => {
    const { curve } = sane(seriesOf(damaged((v, i) => (i === end - 1 ? 100 * v : v))));
    curve.p50.forEach((value, k) => expect(value).toBeLessThan(4 * usual.p50[k]!));
  });

  test.each([
    [
      'set forward (an hour missing)',
      (days: number): History => [...clean.slice(0, end - days * DAY), ...clean.slice(end - days * DAY + 1)],
    ],
    [
      'set back (an hour twice)',
      (days: number): History => [...clean.slice(0, end - days * DAY), ...clean.slice(end - days * DAY - 1)],
    ],
  ])('the clock was %s ten days ago: the new time of day is followed', (_, shifted) => {
    const history = shifted(10);
    expectUsual(sane(seriesOf(history)).curve);
  });

  test('only holes for the last day: the usual day', () => {
    expectUsual(sane(seriesOf(damaged((v, i) => (i >= end - DAY ? null : v)))).curve);
  });

  test('nothing but holes: nothing, and said so', () => {
    const { held, curve } = sane(seriesOf(clean.map(() => null)));
    expect(held).toBe(true);
    expect(curve.p90).toEqual(Array(24).fill(0));
  });
});

test.each([0, 7, 1e-9, 1e11])('a constant series of %d stays constant', (value) => {
  const { curve } = sane(seriesOf(clean.map(() => value)));
  for (const quantile of [curve.p10, curve.p50, curve.p90])
    quantile.forEach((q) => expect(Math.abs(q - value)).toBeLessThanOrEqual(1e-3 * value + 1e-12));
});

test('a channel that has gone off the air (zeros for half a day) is believed', () => {
  const { curve } = sane(seriesOf(clean.map((v, i) => (i >= clean.length - 12 ? 0 : v))));
  expect(curve.p50[0]).toBeLessThan(0.2 * usual.p50[0]!);
});

test.each([
  ['off the air for a day', 24, 0],
  ['off the air for 18 hours', 18, 0],
  ['a thirtieth for a day', 24, 1 / 30],
  ['thirty times for half a day', 12, 30],
  ['thirty times for a day', 24, 30],
])('%s: no forecast beyond what was ever measured by much', (_, hours, factor) => {
  const history = clean.map((v, i) => (i >= clean.length - hours ? factor * v : v));
  const { curve } = sane(seriesOf(history));
  const highest = Math.max(...history);
  curve.p90.forEach((value) => expect(value).toBeLessThan(3 * highest));
});

test('known events: what earlier ones were worth is expected of the next', () => {
  const levels = new Array<number>(clean.length + 24).fill(0);
  for (let day = 2; day < 28; day += 3) for (let h = 15; h < 18; h++) levels[day * DAY + h] = 1;
  const history = clean.map((v, i) => (levels[i]! > 0 ? 3 * v : v));
  for (let h = 6; h < 9; h++) levels[clean.length + h] = 1;
  const { curve } = sane(seriesOf(history, { eventLevels: levels }));
  for (const h of [6, 7, 8]) expect(curve.p50[h]! / usual.p50[h]!).toBeGreaterThan(2);
  expect(curve.p50[15]! / usual.p50[15]!).toBeLessThan(1.4);
});

test(`whatever the history: finite, ordered, never negative (seed ${seed})`, () => {
  const value = fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0, max: 1e6, noNaN: true }) },
    fc.constantFrom(null, NaN, Infinity, -Infinity, -5, 0, 1e308, Number.MIN_VALUE),
  );
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 220, size: 'max' }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 24 }),
      fc.array(fc.constantFrom(0, 0, 0, 1, 1e9), { maxLength: 260, size: 'max' }),
      (history, horizonSteps, daySteps, levels) => {
        const eventLevels = Array.from({ length: history.length + horizonSteps }, (_, i) => levels[i] ?? 0);
        sane(seriesOf(history, { horizonSteps, daySteps, eventLevels }));
      },
    ),
    { seed, numRuns: 40, interruptAfterTimeLimit: 20_000 },
  );
});

/** How often the truth lay above P90, and below P10, over rolling origins. */
const exceeded = (
  history: History,
  options: { window: number; stride: number; stepSeconds: number; horizon: number },
) => {
  const counts = { above: 0, below: 0, steps: 0 };
  for (let end = options.window; end + options.horizon <= history.length; end += options.stride) {
    const { p10, p90 } = sane(
      seriesOf(history.slice(end - options.window, end), {
        stepSeconds: options.stepSeconds,
        startMs: START_MS + (end - options.window) * options.stepSeconds * 1_000,
        horizonSteps: options.horizon,
      }),
    ).curve;
    p90.forEach((value, k) => {
      counts.steps++;
      if (history[end + k]! > value) counts.above++;
      if (history[end + k]! < p10[k]!) counts.below++;
    });
  }
  return { above: counts.above / counts.steps, below: counts.below / counts.steps };
};

describe('calibration', () => {
  test('hourly, one day ahead, on the real trace: about one in ten above P90 and below P10', async () => {
    const trace = [...(await loadTrace())];
    const { above, below } = exceeded(trace, {
      window: 28 * DAY,
      stride: 107,
      stepSeconds: 3_600,
      horizon: 24,
    });
    for (const share of [above, below]) {
      expect(share).toBeGreaterThan(0.04);
      expect(share).toBeLessThan(0.17);
    }
  });

  test('5 minutes, one hour ahead, a week of history, errors of days that differ by their size', () => {
    const shares = generatedSeries({
      count: 6,
      steps: 9 * 288,
      horizonSteps: 12,
      seed: 3,
      stepSeconds: 300,
    }).map(({ history }) =>
      exceeded([...history], { window: 7 * 288, stride: 181, stepSeconds: 300, horizon: 12 }),
    );
    const mean = (side: 'above' | 'below'): number =>
      shares.reduce((sum, s) => sum + s[side], 0) / shares.length;
    for (const share of [mean('above'), mean('below')]) {
      expect(share).toBeGreaterThan(0.03);
      expect(share).toBeLessThan(0.15);
    }
  });
});
