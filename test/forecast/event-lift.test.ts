import type { SeriesToForecast } from '../../src/forecast';
import { withEventLift } from '../../src/forecast/event-lift';
import { createSeriesForecaster } from '../../src/forecast';
import { seeded } from './support/seeded';

const SEED = 3;
const DAY = 24;
const HISTORY = 21 * DAY;
const HORIZON = 8;

/** A daily rhythm; from step 20 to 23 of every third day an event of a random level, which doubles it per level. */
const series = (o: {
  nextLevel: number;
  knownPast?: boolean;
}): { given: SeriesToForecast; usual: number[] } => {
  const random = seeded(SEED);
  const usualAt = (t: number): number => 1_000 * (1.2 + Math.sin((2 * Math.PI * t) / DAY));
  const levels = Array.from({ length: HISTORY + HORIZON }, (_, t) =>
    t < HISTORY && t % DAY >= 20 && Math.floor(t / DAY) % 3 === 0 ? 0.5 + Math.floor((t / DAY) % 2) : 0,
  );
  const history = levels
    .slice(0, HISTORY)
    .map((level, t) => usualAt(t) * 2 ** level * Math.exp(0.05 * random.normal()));
  for (let k = 2; k < 5; k++) levels[HISTORY + k] = o.nextLevel;
  const known = o.knownPast === false ? levels.map((l, t) => (t < HISTORY ? 0 : l)) : levels;
  return {
    given: {
      ...{ id: 's', stepSeconds: 3600, startMs: 0, horizonSteps: HORIZON, daySteps: DAY },
      ...{ history, eventLevels: known },
    },
    usual: Array.from({ length: HORIZON }, (_, k) => usualAt(HISTORY + k)),
  };
};

test(`an event ahead raises its steps by what earlier ones did, and no others (seed ${SEED})`, () => {
  const forecaster = createSeriesForecaster();
  const { given, usual } = series({ nextLevel: 1 });
  const { curve } = forecaster.forecast([given])[0]!;
  curve.p50.forEach((p50, k) => {
    const truth = usual[k]! * (k >= 2 && k < 5 ? 2 : 1);
    expect(Math.abs(p50 / truth - 1)).toBeLessThan(0.15);
    expect(curve.p10[k]).toBeLessThanOrEqual(p50);
    expect(curve.p90[k]).toBeGreaterThan(p50);
  });
});

test('without a known past its worth is not known, and the forecast stays as it is', () => {
  const base = createSeriesForecaster();
  const { given } = series({ nextLevel: 1, knownPast: false });
  const { eventLevels: _levels, ...without } = given;
  expect(withEventLift(base).forecast([given])).toEqual(base.forecast([without]));
});

test('holes, nothing at all, absurd levels: finite and in order', () => {
  const forecaster = createSeriesForecaster();
  const { given } = series({ nextLevel: 1_000 });
  const dirty = [
    given,
    { ...given, history: given.history.map((v, t) => (t % 3 === 0 ? null : t % 7 === 0 ? NaN : v)) },
    { ...given, history: given.history.map(() => 0) },
    { ...given, history: [], eventLevels: Array<number>(HORIZON).fill(1) },
    { ...given, eventLevels: given.eventLevels!.map(() => 1) },
  ];
  for (const { curve } of forecaster.forecast(dirty)) {
    curve.p50.forEach((p50, k) => {
      expect([curve.p10[k]!, p50, curve.p90[k]!].every((v) => Number.isFinite(v) && v >= 0)).toBe(true);
      expect(curve.p10[k]! <= p50 && p50 <= curve.p90[k]!).toBe(true);
    });
  }
});
