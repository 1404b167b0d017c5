import { scaledCurve, trendRatios } from '../../src/forecast/trend';
import { seeded } from './support/seeded';

const SEED = 9;
const DAY = 24;
const STEPS = 21 * DAY;

/** A daily rhythm that grows by `effect` per unit of the score of two steps before. */
const audience = (effect: number): { viewers: (number | null)[]; scores: (number | null)[] } => {
  const random = seeded(SEED);
  const scores = Array.from({ length: STEPS }, (_, t) =>
    Math.floor(t / 6) % 5 === 0 ? random.uniform() * 2 : 0,
  );
  const viewers = scores.map((_, t) => {
    const usual = 1_000 * (1.5 + Math.sin((2 * Math.PI * t) / DAY));
    return Math.round(usual * Math.exp(effect * (scores[t - 2] ?? 0) + 0.03 * random.normal()));
  });
  return { viewers, scores };
};

test(`a score that foretells growth raises the forecast; one that says nothing changes nothing (seed ${SEED})`, () => {
  const telling = audience(0.4);
  const silent = audience(0);
  const high = [...telling.scores.slice(0, -1), 2];
  const ratios = trendRatios(telling.viewers, high, DAY, 4);
  expect(ratios[1]).toBeGreaterThan(1.3);
  expect(ratios[1]).toBeLessThanOrEqual(2);
  expect(trendRatios(silent.viewers, [...silent.scores.slice(0, -1), 2], DAY, 4)).toEqual([1, 1, 1, 1]);
});

test('without scores, with few of them, or with holes and zeros: no change and no fault', () => {
  const { viewers, scores } = audience(0.4);
  const none = [1, 1, 1, 1];
  expect(trendRatios(viewers, [], DAY, 4)).toEqual(none);
  expect(
    trendRatios(
      viewers,
      viewers.map(() => null),
      DAY,
      4,
    ),
  ).toEqual(none);
  expect(trendRatios(viewers.slice(0, 30), scores.slice(0, 30), DAY, 4)).toEqual(none);
  expect(
    trendRatios(
      viewers.map(() => null),
      scores,
      DAY,
      4,
    ),
  ).toEqual(none);
  expect(
    trendRatios(
      viewers.map(() => 0),
      scores.map(() => 1),
      DAY,
      4,
    ),
  ).toEqual(none);
  // The last score is older than it speaks for.
  const ended = scores.map((score, t) => (t < STEPS - 30 ? score : null));
  expect(trendRatios(viewers, ended, DAY, 4)).toEqual(none);
});

test('a curve is scaled step by step', () => {
  expect(scaledCurve({ p10: [1, 1], p50: [2, 2], p90: [3, 3] }, [2, 1])).toEqual({
    ...{ p10: [2, 1], p50: [4, 2], p90: [6, 3] },
  });
});
