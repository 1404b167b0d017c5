import {
  createLearningForecaster,
  createSeriesForecaster,
  ENSEMBLE_MODEL,
  SEASONAL_MODEL,
  type SeriesToForecast,
} from '../../src/forecast';
import { generatedSeries } from '../../src/forecast/net';
import { learnDue } from '../../src/models';

const DAY = 24;
const whole = generatedSeries({ count: 6, steps: DAY * 25, horizonSteps: 12, seed: 11 });

/** The series as they stood `later` steps after three weeks. */
const asOf = (later: number): SeriesToForecast[] =>
  whole.map((one) => ({
    ...one,
    history: one.history.slice(later, later + 21 * DAY),
    startMs: one.startMs + later * one.stepSeconds * 1_000,
  }));
const dueAt = (forecaster: ReturnType<typeof createLearningForecaster>, later: number): string[] =>
  asOf(later).flatMap((one) => (forecaster.isDue(one) ? [one.id] : []));

test('forecasts by what it was told to learn, and by the seasonal rule before', async () => {
  const forecaster = createLearningForecaster({ refitEverySteps: DAY });
  const series = asOf(0);
  expect(new Set(forecaster.forecast(series).map((f) => f.model))).toEqual(new Set([SEASONAL_MODEL]));
  let asked = 0;
  const left = await learnDue(forecaster, series, { until: () => ++asked > 4 });
  expect(left.map((one) => one.id)).toEqual(series.slice(4).map((one) => one.id));
  expect(forecaster.forecast(series).map((f) => f.model)).toEqual([
    ...Array<string>(4).fill(ENSEMBLE_MODEL),
    ...Array<string>(2).fill(SEASONAL_MODEL),
  ]);
  expect(await learnDue(forecaster, series, { until: () => false })).toEqual([]);
  // Right after learning it says what one that learns at each call says.
  const fresh = createSeriesForecaster().forecast(series);
  expect(forecaster.forecast(series).map((f) => f.curve.p50)).toEqual(fresh.map((f) => f.curve.p50));
});

test('each series has its turn once a day, not all in the same step', async () => {
  const forecaster = createLearningForecaster({ refitEverySteps: DAY });
  await learnDue(forecaster, asOf(0), { until: () => false });
  const turns = new Map<string, number>();
  for (let later = 1; later <= DAY; later++) {
    const due = dueAt(forecaster, later);
    for (const id of due) turns.set(id, (turns.get(id) ?? 0) + 1);
    await learnDue(forecaster, asOf(later), { until: () => false });
    expect(due.length).toBeLessThan(whole.length);
  }
  expect([...turns.values()]).toEqual(Array(whole.length).fill(1));
});

test('what was learned a while ago still forecasts, from the latest values', async () => {
  const forecaster = createLearningForecaster({ refitEverySteps: DAY });
  await learnDue(forecaster, asOf(0), { until: () => false });
  const kept = forecaster.forecast(asOf(20));
  const fresh = createSeriesForecaster().forecast(asOf(20));
  kept.forEach(({ curve, model }, i) => {
    expect(model).toBe(ENSEMBLE_MODEL);
    curve.p50.forEach((value, k) => {
      const { p10, p90 } = fresh[i]!.curve;
      expect(value).toBeGreaterThan(0.6 * p10[k]!);
      expect(value).toBeLessThan(1.6 * p90[k]!);
    });
  });
});

describe('is learned anew at once', () => {
  const [one] = asOf(0);
  const learned = (series: SeriesToForecast): ReturnType<typeof createLearningForecaster> => {
    const forecaster = createLearningForecaster({ refitEverySteps: 1_000_000 });
    forecaster.learn(series);
    expect(forecaster.isDue(series)).toBe(false);
    return forecaster;
  };

  test('when its past was filled in by an import', () => {
    const holes = { ...one!, history: one!.history.map((value, i) => (i % 4 === 0 ? null : value)) };
    const forecaster = learned(holes);
    expect(forecaster.isDue({ ...holes, history: one!.history })).toBe(true);
  });

  test('when an event is over, and not while it goes on', () => {
    const levels = new Array<number>(one!.history.length + 12).fill(0);
    const forecaster = learned({ ...one!, eventLevels: levels });
    const withEvent = (from: number, to: number): SeriesToForecast => ({
      ...one!,
      eventLevels: levels.map((_, i) => (i >= from && i < to ? 1 : 0)),
    });
    const end = one!.history.length;
    expect(forecaster.isDue(withEvent(end - 3, end + 2))).toBe(false);
    expect(forecaster.isDue(withEvent(end - 6, end - 2))).toBe(true);
  });

  test('when the clock was set back', () => {
    const [now, before] = [asOf(5)[0]!, asOf(0)[0]!];
    expect(learned(now).isDue(before)).toBe(true);
  });
});
