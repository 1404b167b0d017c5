import type { FitnessTerms, FitnessWeights } from '../../src/fitness';
import {
  clamp01,
  freshness,
  headroomTerm,
  scoreOf,
  stabilityTerm,
  versionTerm,
  weakestTermOf,
  zoneTerm,
} from '../../src/fitness/terms';

const even: FitnessWeights = { headroom: 1, quality: 1, version: 1, zone: 1, stability: 1 };
const full: FitnessTerms = { headroom: 1, quality: 1, version: 1, zone: 1, stability: 1 };

test.each([
  [-0.1, 0],
  [0, 0],
  [0.4, 0.4],
  [1, 1],
  [7, 1],
  [NaN, 0],
])('%d is held in [0, 1] as %d', (value, held) => {
  expect(clamp01(value)).toBe(held);
});

describe('the score', () => {
  test('is the mean of the terms by their weights, whatever these add up to', () => {
    const terms = { headroom: 0.5, quality: 1, version: 0.25, zone: 1, stability: 0 };
    expect(scoreOf(terms, even)).toBeCloseTo(2.75 / 5, 12);
    const weights = { headroom: 4, quality: 2, version: 0, zone: 1, stability: 3 };
    expect(scoreOf(terms, weights)).toBeCloseTo((2 + 2 + 0 + 1 + 0) / 10, 12);
  });

  test.each(Object.keys(full) as (keyof FitnessTerms)[])('counts %s', (name) => {
    expect(scoreOf({ ...full, [name]: 0 }, even)).toBeCloseTo(0.8, 12);
  });
});

describe('the weakest term', () => {
  test('is the one that costs most: its weight counts as its lack does', () => {
    const terms = { ...full, quality: 0.2, zone: 0.5 };
    expect(weakestTermOf(terms, even)).toBe('quality');
    expect(weakestTermOf(terms, { ...even, zone: 3 })).toBe('zone');
    expect(weakestTermOf({ ...full, stability: 0.9 }, even)).toBe('stability');
  });

  test('of like costs is the first', () => {
    expect(weakestTermOf({ ...full, version: 0.5, zone: 0.5 }, even)).toBe('version');
    expect(weakestTermOf(full, even)).toBe('headroom');
  });
});

describe('headroom', () => {
  test('is the mean of what is free now and at the peak', () => {
    expect(headroomTerm(2, 5, 10)).toBeCloseTo(0.65, 12);
    expect(headroomTerm(0, 0, 10)).toBe(1);
  });

  test('is half of the one where the other is used up, by however much', () => {
    expect(headroomTerm(5, 30, 10)).toBeCloseTo(0.25, 12);
    expect(headroomTerm(30, 5, 10)).toBeCloseTo(0.25, 12);
  });

  test('is nothing without capacity', () => {
    expect(headroomTerm(0, 0, 0)).toBe(0);
    expect(headroomTerm(-1, -1, -1)).toBe(0);
  });
});

test('the version term is the mean of the shares of a like version and a like build', () => {
  expect(versionTerm(4, 2, 4)).toBeCloseTo(0.75, 12);
  expect(versionTerm(1, 1, 4)).toBeCloseTo(0.25, 12);
  expect(versionTerm(0, 0, 0)).toBe(0);
});

describe('a zone', () => {
  const zone = { encoders: 4, reachable: 4, capacity: 24, load: 12, swarmCapacity: 48, swarmLoad: 24 };

  test('that answers and carries its share is worth 1, and so is one that carries less', () => {
    expect(zoneTerm(zone)).toBe(1);
    expect(zoneTerm({ ...zone, load: 1 })).toBe(1);
    // What it carries less makes up for nothing.
    expect(zoneTerm({ ...zone, load: 1, reachable: 2 })).toBe(0.5);
  });

  test('is worth the part of its encoders that answers', () => {
    expect(zoneTerm({ ...zone, reachable: 3 })).toBeCloseTo(0.75, 12);
  });

  test('that carries beyond its share is worth the less, the more that is', () => {
    expect(zoneTerm({ ...zone, load: 18 })).toBeCloseTo(0.5 / 0.75, 12);
    expect(zoneTerm({ ...zone, load: 18, reachable: 2 })).toBeCloseTo(0.5 * (0.5 / 0.75), 12);
  });

  test('of a swarm without any load carries no more than its share', () => {
    expect(zoneTerm({ ...zone, load: 0, swarmLoad: 0 })).toBe(1);
  });
});

test('stability halves with the first trouble and is a third with two', () => {
  expect([0, 1, 2].map(stabilityTerm)).toEqual([1, 1 / 2, 1 / 3]);
  expect(stabilityTerm(-3)).toBe(1);
});

test.each([
  [undefined, 0],
  [100_000, 1],
  [97_000, 1],
  [91_000, 0.5],
  [85_000, 0],
  [60_000, 0],
  [130_000, 1],
])('telemetry of %p at 100 s is worth %d', (atMs, worth) => {
  expect(freshness(atMs, 100_000)).toBeCloseTo(worth, 12);
});
