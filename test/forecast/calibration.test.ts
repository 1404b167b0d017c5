import { seededRandom } from '../../src/domain';
import { errorQuantiles, errorSizes, sizeOf, type ErrorSizes } from '../../src/forecast/calibration';
import { clockAffinity } from '../../src/forecast/clock';
import type { PastCells } from '../../src/forecast/past-forecasts';

const never = (): boolean => false;
const cellsOf = (over: Partial<PastCells>): PastCells =>
  ({
    horizon: 1,
    daySteps: 4,
    origins: [0, 4, 8, 12],
    recency: Float64Array.from([1, 1, 1, 1]),
    clock: [0, 0, 0, 0],
    clockParts: 1,
    ...over,
  }) as unknown as PastCells;
const values = (...numbers: number[]): Float64Array => Float64Array.from(numbers);
const near = (numbers: ArrayLike<number>, digits = 9) =>
  Array.from(numbers, (n) => expect.closeTo(n, digits) as number);

describe('how large errors usually are', () => {
  test('is the mean of their absolute values, whatever their sign, where the whole day is alike', () => {
    const sizes = errorSizes(cellsOf({ origins: [0, 1, 2, 3] }), values(2, -2, 2, -2), never);
    expect([...sizes.bySlot]).toEqual(near([2, 2, 2, 2]));
    expect([...sizes.byAhead]).toEqual(near([1]));
    expect(sizes.eventFactor).toBe(1);
    expect([...sizes.bySlotWithoutOwn]).toEqual(near([2, 2, 2, 2]));
  });

  test('of a slot is drawn to that of all slots by half a slot’s worth of errors', () => {
    // One error a slot; the prior weighs 0.5 x (4 errors / 4 slots) x 1 slot in reach.
    const sizes = errorSizes(cellsOf({ origins: [0, 1, 2, 3] }), values(1, 1, 1, 5), never);
    const usual = 2;
    expect([...sizes.bySlot]).toEqual(near([1, 1, 1, 5].map((own) => (0.5 * usual + own) / 1.5)));
  });

  test('counts young errors by their weight', () => {
    const cells = cellsOf({ origins: [0, 4], recency: values(1, 3), clock: values(0, 0) as never });
    const sizes = errorSizes(cells, values(1, 5), never);
    const usual = (1 * 1 + 3 * 5) / 4;
    const prior = 0.5 * (4 / 4);
    expect(sizes.bySlot[0]).toBeCloseTo((prior * usual + 16) / (prior + 4), 9);
    expect(sizes.bySlot[1]).toBeCloseTo(usual, 9);
  });

  test('leaves out what is not known', () => {
    const sizes = errorSizes(cellsOf({ origins: [0, 1, 2, 3] }), values(2, NaN, NaN, 2), never);
    expect([...sizes.bySlot]).toEqual(near([2, 2, 2, 2]));
  });

  test('by step ahead is given as a multiple of the usual', () => {
    const cells = cellsOf({ horizon: 2, origins: [0, 4] });
    const sizes = errorSizes(cells, values(1, 3, 1, 3), never);
    expect([...sizes.byAhead]).toEqual(near([0.5, 1.5]));
    expect(sizeOf(sizes, 4, 1, never)).toBeCloseTo(sizes.bySlot[0]! * 1.5, 9);
    expect(sizeOf(sizes, -3, 0, never)).toBeCloseTo(sizes.bySlot[1]! * 0.5, 9);
  });

  test('neighbouring slots within an hour, and steps ahead within a tenth of the horizon, count together', () => {
    const daySteps = 24;
    const cells = cellsOf({ daySteps, horizon: 1, origins: [6, 7, 8, 12] });
    const sizes = errorSizes(cells, values(3, 0, 0, 1), never);
    const prior = 0.5 * (4 / daySteps) * 3;
    const expected = (sum: number, count: number): number => (prior * 1 + sum) / (prior + count);
    expect(sizes.bySlot[5]).toBeCloseTo(expected(3, 1), 9);
    expect(sizes.bySlot[7]).toBeCloseTo(expected(3, 3), 9);
    expect(sizes.bySlot[8]).toBeCloseTo(expected(0, 2), 9);
    expect(sizes.bySlot[10]).toBeCloseTo(1, 9);
    // The day is a ring.
    const atMidnight = errorSizes(cellsOf({ daySteps, origins: [0, 23, 12, 12] }), values(2, 0, 1, 1), never);
    expect(atMidnight.bySlot[23]).toBeCloseTo(expected(2, 2), 9);

    const horizon = 10;
    const errors = Float64Array.from({ length: horizon }, (_, ahead) => ahead);
    const byAhead = errorSizes(cellsOf({ horizon, origins: [0] }), errors, never).byAhead;
    expect(byAhead[0]! * 4.5).toBeCloseTo(0.5, 9);
    expect(byAhead[5]! * 4.5).toBeCloseTo(5, 9);
    expect(byAhead[9]! * 4.5).toBeCloseTo(8.5, 9);
  });

  test('around known events is a factor of the usual, between 1 and 8, and does not spoil the usual', () => {
    const factorOf = (error: number): ErrorSizes =>
      errorSizes(cellsOf({ origins: [0, 1, 2, 3] }), values(1, error, 1, 1), (step) => step === 1);
    expect(factorOf(3).eventFactor).toBeCloseTo(3, 9);
    expect(factorOf(-3).eventFactor).toBeCloseTo(3, 9);
    expect(factorOf(0.5).eventFactor).toBe(1);
    expect(factorOf(100).eventFactor).toBe(8);
    expect([...factorOf(100).bySlot]).toEqual(near([1, 1, 1, 1]));
    expect(sizeOf(factorOf(3), 1, 0, (step) => step === 1)).toBeCloseTo(3, 9);
    expect(sizeOf(factorOf(3), 2, 0, (step) => step === 1)).toBeCloseTo(1, 9);
  });

  test('is never nothing: a forecast that was always right is not taken to be certain', () => {
    const sizes = errorSizes(cellsOf({ origins: [0, 1, 2, 3] }), values(0, 0, 0, 0), never);
    for (const size of [...sizes.bySlot, ...sizes.bySlotWithoutOwn, ...sizes.byAhead])
      expect(size).toBeGreaterThan(0);
    const unknown = errorSizes(cellsOf({}), values(NaN, NaN, NaN, NaN), never);
    for (const size of [...unknown.bySlot, ...unknown.bySlotWithoutOwn]) expect(size).toBeGreaterThan(0);
  });

  test('as the other origins tell it: an origin is no yardstick for its own error', () => {
    // All four in slot 0. Without its own, the outlier sees the ones; the others see two ones and the outlier.
    const sizes = errorSizes(cellsOf({}), values(1, 1, 1, 9), never);
    const usual = 3;
    const prior = 0.5 * (4 / 4);
    const expected = (sum: number): number => (sum + prior * usual) / (3 + prior);
    expect([...sizes.bySlotWithoutOwn]).toEqual(near([11, 11, 11, 3].map(expected)));
  });

  test('over many steps ahead, holes and events: each cell is as its definition has it', () => {
    const [horizon, daySteps, reach] = [6, 48, 2];
    const origins = [3, 46, 52, 99, 150, 151];
    const recency = values(0.3, 0.5, 0.6, 0.8, 0.9, 1);
    const random = seededRandom(7);
    const errors = Float64Array.from({ length: origins.length * horizon }, () =>
      random() < 0.15 ? NaN : 4 * random() - 2,
    );
    const isEvent = (step: number): boolean => step % 7 === 2;
    const cells = [...errors].map((error, i) => ({
      origin: Math.floor(i / horizon),
      step: origins[Math.floor(i / horizon)]! + (i % horizon),
      size: Math.abs(error),
      weight: recency[Math.floor(i / horizon)]!,
    }));
    const quiet = cells.filter(({ size, step }) => !Number.isNaN(size) && !isEvent(step));
    const sumOf = (of: typeof cells) => of.reduce((sum, { size, weight }) => sum + weight * size, 0);
    const weightOf = (of: typeof cells) => of.reduce((sum, { weight }) => sum + weight, 0);
    const usual = sumOf(quiet) / weightOf(quiet);
    const prior = 0.5 * (weightOf(quiet) / daySteps) * (2 * reach + 1);
    const isNear = (a: number, b: number): boolean => {
      const apart = (((a - b) % daySteps) + daySteps) % daySteps;
      return Math.min(apart, daySteps - apart) <= reach;
    };
    const drawn = (of: typeof cells): number => (sumOf(of) + prior * usual) / (weightOf(of) + prior);
    const sizes = errorSizes(cellsOf({ horizon, daySteps, origins, recency }), errors, isEvent);
    expect([...sizes.bySlot]).toEqual(
      near(Array.from({ length: daySteps }, (_, slot) => drawn(quiet.filter((c) => isNear(c.step, slot))))),
    );
    expect([...sizes.bySlotWithoutOwn]).toEqual(
      near(
        cells.map(({ origin, step }) =>
          drawn(quiet.filter((c) => c.origin !== origin && isNear(c.step, step))),
        ),
      ),
    );
    // A tenth of six steps ahead: one to each side.
    const byAhead = Array.from({ length: horizon }, (_, ahead) => {
      const around = quiet.filter((c) => Math.abs(c.step - origins[c.origin]! - ahead) <= 1);
      return sumOf(around) / weightOf(around) / usual;
    });
    expect([...sizes.byAhead]).toEqual(near(byAhead));
    const events = cells.filter(({ size, step }) => !Number.isNaN(size) && isEvent(step));
    expect(sizes.eventFactor).toBeCloseTo(
      Math.min(8, Math.max(1, sumOf(events) / weightOf(events) / usual)),
      9,
    );
  });
});

describe('quantiles of the errors', () => {
  const unit = (count: number, horizon = 1): ErrorSizes => ({
    bySlot: new Float64Array(4).fill(1),
    byAhead: new Float64Array(horizon).fill(1),
    eventFactor: 1,
    bySlotWithoutOwn: new Float64Array(count * horizon).fill(1),
  });
  const manyOf = (count: number, over: Partial<PastCells> = {}): PastCells =>
    cellsOf({
      origins: Array.from({ length: count }, (_, i) => 4 * i),
      recency: new Float64Array(count).fill(1),
      clock: new Array<number>(count).fill(0) as never,
      ...over,
    });
  const ascending = Float64Array.from({ length: 99 }, (_, i) => i + 1);
  const shuffled = Float64Array.from({ length: 99 }, (_, i) => ((i * 37) % 99) + 1);

  test('count the forecast to come as one more: of 99 errors P10, P50 and P90 are the 9th, the 50th and the 90th', () => {
    for (const errors of [ascending, shuffled]) {
      const [quantiles] = errorQuantiles(manyOf(99), errors, unit(99), never, [0]);
      expect([quantiles!.p10[0], quantiles!.p50[0], quantiles!.p90[0]]).toEqual([9, 50, 90]);
    }
  });

  test('of 30 errors are the 3rd, the 15th and the 28th', () => {
    const errors = Float64Array.from({ length: 30 }, (_, i) => i + 1);
    const [quantiles] = errorQuantiles(manyOf(30), errors, unit(30), never, [0]);
    expect([quantiles!.p10[0], quantiles!.p50[0], quantiles!.p90[0]]).toEqual([3, 15, 28]);
  });

  test('the forecast to come counts with as many steps as each of those before', () => {
    const horizon = 10;
    const errors = Float64Array.from({ length: 99 * horizon }, (_, cell) => Math.floor(cell / horizon) + 1);
    const [quantiles] = errorQuantiles(manyOf(99, { horizon }), errors, unit(99, horizon), never, [0]);
    expect([...quantiles!.p10]).toEqual(Array(horizon).fill(9));
    expect([...quantiles!.p90]).toEqual(Array(horizon).fill(90));
  });

  test('know an event by its step, which is so far ahead of its origin', () => {
    const sizes = { ...unit(3, 2), eventFactor: 10 };
    // The event is one step ahead of the second origin, which is at 4.
    const [quantiles] = errorQuantiles(manyOf(3, { horizon: 2 }), values(1, 1, 1, 30, 1, 1), sizes, (step) => step === 5, [0]); // prettier-ignore
    expect([quantiles!.p90[0], quantiles!.p90[1]]).toEqual([1, 3]);
  });

  test('of few errors are the outermost', () => {
    const [quantiles] = errorQuantiles(manyOf(3), values(5, -5, 1), unit(3), never, [0]);
    expect([quantiles!.p10[0], quantiles!.p50[0], quantiles!.p90[0]]).toEqual([-5, 1, 5]);
  });

  test('of none are nothing', () => {
    const [quantiles] = errorQuantiles(manyOf(2), values(NaN, NaN), unit(2), never, [0]);
    expect([quantiles!.p10[0], quantiles!.p50[0], quantiles!.p90[0]]).toEqual([0, 0, 0]);
  });

  test('are in units of the size of each error: its slot as others tell it, its step ahead, and events', () => {
    const sizes = { ...unit(3), bySlotWithoutOwn: values(1, 2, 4), byAhead: values(2), eventFactor: 5 };
    const [quantiles] = errorQuantiles(manyOf(3), values(-2, 4, 80), sizes, (step) => step === 8, [0]);
    expect([quantiles!.p10[0], quantiles!.p50[0], quantiles!.p90[0]]).toEqual([-1, 1, 2]);
  });

  test('weigh young errors more', () => {
    const recency = new Float64Array(10).fill(1);
    recency[9] = 100;
    const errors = Float64Array.from({ length: 10 }, (_, i) => i);
    const [quantiles] = errorQuantiles(manyOf(10, { recency }), errors, unit(10), never, [0]);
    expect(quantiles!.p50[0]).toBe(9);
  });

  test('weigh errors of origins at a like time of day more, for each part of the day that is asked for', () => {
    const clockParts = 4;
    const clock = [0, 0, 0, 2, 2, 2];
    const cells = manyOf(6, { clock: clock as never, clockParts });
    expect(clockAffinity(0, 0, clockParts)).toBeGreaterThan(clockAffinity(0, 2, clockParts));
    const [first, third] = errorQuantiles(cells, values(1, 1, 1, 7, 7, 7), unit(6), never, [0, 2]);
    expect([first!.p50[0], third!.p50[0]]).toEqual([1, 7]);
  });

  test('of a step ahead are those of the steps within a tenth of the horizon', () => {
    const horizon = 10;
    const errors = Float64Array.from({ length: 3 * horizon }, (_, cell) => cell % horizon);
    const [quantiles] = errorQuantiles(manyOf(3, { horizon }), errors, unit(3, horizon), never, [0]);
    expect([...quantiles!.p50]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 8]);
    expect([...quantiles!.p10]).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...quantiles!.p90]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  });
});
