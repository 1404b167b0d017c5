import { createSeriesForecaster, type SeriesToForecast } from '../../src/forecast';
import { inLocalTime } from '../../src/forecast/local-time';
import { momentsOfLocal, offsetMsAt, offsetsMsOf } from '../../src/forecast/zone-offset';

const HOUR_MS = 3_600_000;
const ZONE = 'Europe/Berlin';
/** Clocks go from 02:00 to 03:00, and from 03:00 to 02:00. */
const SPRING_MS = Date.parse('2026-03-29T01:00:00Z');
const AUTUMN_MS = Date.parse('2026-10-25T01:00:00Z');

test('offsets, step by step, are those of each step alone', () => {
  for (const zone of [
    ZONE,
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'UTC',
    'Africa/Casablanca',
  ]) {
    for (const stepMs of [HOUR_MS / 4, HOUR_MS, 24 * HOUR_MS]) {
      const startMs = Date.parse('2026-01-31T17:00:00Z');
      const steps = Math.min(3_000, Math.floor((300 * 24 * HOUR_MS) / stepMs));
      const alone = Array.from({ length: steps }, (_, step) => offsetMsAt(zone, startMs + step * stepMs));
      expect([...offsetsMsOf(zone, { startMs, stepMs, steps })]).toEqual(alone);
    }
  }
  expect(offsetsMsOf(ZONE, { startMs: 0, stepMs: HOUR_MS, steps: 0 })).toHaveLength(0);
});

test.each([
  ['2026-10-25T02:30:00Z', ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z']],
  ['2026-03-29T02:30:00Z', []],
  ['2026-07-01T12:00:00Z', ['2026-07-01T10:00:00.000Z']],
])('a clock in Berlin shows %s at %j', (local, moments) => {
  expect(momentsOfLocal(ZONE, Date.parse(local)).map((ms) => new Date(ms).toISOString())).toEqual(moments);
});

const series = (more: Partial<SeriesToForecast>): SeriesToForecast => ({
  ...{ id: 'a', stepSeconds: 3_600, startMs: 0, history: [], horizonSteps: 24, timeZone: ZONE },
  ...more,
});
const curveOf = (values: number[]) => ({ p10: values, p50: values, p90: values });

test('the hour that clocks skip is a hole, and no step of the horizon', () => {
  const history = [1, 2, 3, 4, 5];
  const { series: local, back } = inLocalTime(
    series({ history, startMs: SPRING_MS - 2 * HOUR_MS, horizonSteps: 2 }),
  );
  expect(local).toMatchObject({
    startMs: SPRING_MS - HOUR_MS,
    history: [1, 2, null, 3, 4, 5],
    horizonSteps: 2,
  });
  expect(back(curveOf([10, 11])).p50).toEqual([10, 11]);

  const ahead = inLocalTime(series({ history, startMs: SPRING_MS - 6 * HOUR_MS, horizonSteps: 3 }));
  expect(ahead.series).toMatchObject({ history, horizonSteps: 4 });
  expect(ahead.back(curveOf([10, 11, 12, 13])).p50).toEqual([10, 12, 13]);
});

test('the hour that clocks repeat has the mean in the history, and the same value twice ahead', () => {
  const history = [1, 2, 4, 5];
  const eventLevels = [0, 1, 0, 0, 3];
  const behind = inLocalTime(
    series({ history, eventLevels, startMs: AUTUMN_MS - 2 * HOUR_MS, horizonSteps: 1 }),
  );
  expect(behind.series).toMatchObject({ history: [1, 3, 5], eventLevels: [0, 1, 0, 3], horizonSteps: 1 });

  const ahead = inLocalTime(series({ history, startMs: AUTUMN_MS - 6 * HOUR_MS, horizonSteps: 4 }));
  expect(ahead.series).toMatchObject({ history, horizonSteps: 3 });
  expect(ahead.back(curveOf([10, 11, 12])).p50).toEqual([10, 11, 11, 12]);

  const amid = inLocalTime(series({ history, startMs: AUTUMN_MS - 4 * HOUR_MS, horizonSteps: 2 }));
  expect(amid.series).toMatchObject({ history, horizonSteps: 1 });
  expect(amid.back(curveOf([10])).p50).toEqual([10, 10]);
});

test('without a change of clocks, a known time zone or days of 24 hours, nothing but the start moves', () => {
  const history = [1, null, 3];
  const summer = inLocalTime(series({ history, startMs: Date.parse('2026-07-01T00:00:00Z') }));
  expect(summer.series).toMatchObject({
    history,
    horizonSteps: 24,
    startMs: Date.parse('2026-07-01T02:00:00Z'),
  });
  const { timeZone: _, ...withoutZone } = series({ history });
  for (const given of [
    withoutZone,
    series({ history, timeZone: 'Europe/Atlantis' }),
    series({ history, stepSeconds: 5, daySteps: 24 }),
  ])
    expect(inLocalTime(given).series).toBe(given);
});

/** An audience with a sharp evening by local time. */
const viewersAt = (atMs: number): number => {
  const hour = ((atMs + offsetMsAt(ZONE, atMs)) / HOUR_MS) % 24;
  return 100 + (hour >= 19 && hour < 23 ? 1_000 : hour >= 6 && hour < 9 ? 400 : 0);
};

test.each([
  ['spring', SPRING_MS],
  ['autumn', AUTUMN_MS],
])(
  'on the day and the week after clocks change in %s, the evening is forecast at its hour',
  (_, changeMs) => {
    const forecaster = createSeriesForecaster();
    const errorsOf = (timeZone?: string): number => {
      let error = 0;
      // From noon before the change, and from each noon of the days after it.
      for (let day = 0; day < 5; day++) {
        const endMs = changeMs - 14 * HOUR_MS + day * 24 * HOUR_MS;
        const steps = 21 * 24;
        const startMs = endMs - steps * HOUR_MS;
        const history = Array.from({ length: steps }, (_, step) => viewersAt(startMs + step * HOUR_MS));
        const { id, stepSeconds, horizonSteps } = series({});
        const given = {
          id,
          stepSeconds,
          horizonSteps,
          startMs,
          history,
          ...(timeZone !== undefined && { timeZone }),
        };
        const [forecast] = forecaster.forecast([given]);
        expect(forecast!.curve.p50).toHaveLength(horizonSteps);
        forecast!.curve.p50.forEach(
          (p50, step) => (error += Math.abs(p50 - viewersAt(endMs + step * HOUR_MS))),
        );
      }
      return error / (5 * 24);
    };
    const [blind, local] = [errorsOf(), errorsOf(ZONE)];
    expect(blind).toBeGreaterThan(30);
    expect(local).toBeLessThan(blind / 10);
  },
);
