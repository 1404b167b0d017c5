import { seededRandom } from '../../src/domain';
import { Rearrangement, type RearrangementProblem } from '../../src/planner/rearrangement';
import { searchSize } from '../support/search-size';

/** Three encoders of 10 units, four channels, one step, unless told otherwise. */
const problemOf = (
  needs: number[],
  start: number[],
  over: Partial<RearrangementProblem> = {},
): RearrangementProblem => {
  const channels = start.length;
  const encoders = over.encoders ?? 3;
  return {
    ...{ channels, encoders, steps: 1, needs: Float64Array.from(needs), fixed: new Float64Array(encoders) },
    limits: new Float64Array(encoders).fill(10),
    mostChannels: new Int32Array(encoders).fill(9),
    allowed: new Uint8Array(channels * encoders).fill(1),
    start: Int32Array.from(start),
    reluctance: Float64Array.from(needs.slice(0, channels), (units) => units / 1_000),
    zones: Int32Array.from({ length: encoders }, (_, e) => e),
    groups: new Int32Array(channels).fill(-1),
    ...{ zoneCount: encoders, taken: new Int32Array(0), fewestMoves: 0 },
    ...over,
  };
};
const solve = (problem: RearrangementProblem, iterations = 400): number[] | null => {
  const found = new Rearrangement(problem).solve(iterations);
  return found && [...found];
};

/** Judged from the problem alone. */
const isWithinLimits = (p: RearrangementProblem, at: readonly number[]): boolean => {
  for (let e = 0; e < p.encoders; e++) {
    const here = [...at.keys()].filter((c) => at[c] === e);
    if (here.length > p.mostChannels[e]!) return false;
    for (let k = 0; k < p.steps; k++) {
      const units = here.reduce((sum, c) => sum + p.needs[c * p.steps + k]!, p.fixed[e * p.steps + k]!);
      if (units > p.limits[e]! + 1e-9) return false;
    }
  }
  const zones = Int32Array.from(p.taken);
  return at.every((e, c) => {
    if (p.allowed[c * p.encoders + e] === 0) return false;
    const group = p.groups[c]!;
    return group < 0 || ++zones[group * p.zoneCount + p.zones[e]!]! <= 1;
  });
};
const costOf = (p: RearrangementProblem, at: readonly number[]): number =>
  at.reduce((sum, e, c) => sum + (e === p.start[c] ? 0 : 1 + p.reluctance[c]!), 0);
/** Cost of the best of all assignments; Infinity if none is within the limits. */
const bestCostOf = (p: RearrangementProblem): number => {
  let best = Infinity;
  for (let n = 0; n < p.encoders ** p.channels; n++) {
    const at = Array.from({ length: p.channels }, (_, c) => Math.floor(n / p.encoders ** c) % p.encoders);
    if (isWithinLimits(p, at)) best = Math.min(best, costOf(p, at));
  }
  return best;
};

test('what is within all limits stays', () => {
  expect(solve(problemOf([4, 4, 4, 4], [0, 0, 1, 2]))).toEqual([0, 0, 1, 2]);
});

test('the channel that costs least leaves an encoder that is over its limit', () => {
  expect(solve(problemOf([5, 4, 3, 4], [0, 0, 0, 1]))?.filter((e) => e !== 0)).toHaveLength(2);
  const [first, second, third] = solve(problemOf([5, 4, 3, 9], [0, 0, 0, 1])) as number[];
  expect([first, second, third]).toEqual([0, 0, 2]);
});

test('peaks at different steps do not add up', () => {
  const apart = { steps: 2, needs: Float64Array.from([8, 1, 1, 8]), encoders: 2 };
  expect(solve(problemOf([0, 0], [0, 0], apart))).toEqual([0, 0]);
  const together = { ...apart, needs: Float64Array.from([8, 1, 8, 1]) };
  expect(solve(problemOf([0, 0], [0, 0], together))).not.toEqual([0, 0]);
});

test('a channel with a mate in another zone may go within its own', () => {
  // Both encoders of zone 0; the mate is in zone 1.
  const grouped = {
    ...{ encoders: 3, zones: Int32Array.from([0, 0, 1]), zoneCount: 2 },
    ...{ groups: Int32Array.from([0, -1]), taken: Int32Array.from([0, 1]) },
    allowed: Uint8Array.from([1, 1, 1, 1, 0, 0]),
  };
  expect(solve(problemOf([6, 6], [0, 0], grouped))).toEqual([1, 0]);
});

test('what an encoder carries whatever happens counts', () => {
  const fixed = Float64Array.from([7, 0, 8]);
  expect(solve(problemOf([4], [0], { fixed }))).toEqual([1]);
});

test('two channels swap where neither can go alone', () => {
  // 6 + 5 is over 10; of the others each has room only for what comes in exchange.
  const fixed = Float64Array.from([5, 4, 10]);
  expect(solve(problemOf([6, 5], [0, 1], { fixed }))).toEqual([1, 0]);
});

test('one channel makes room for another', () => {
  // 7 must leave; 1 takes it once 4 has gone to 2, where 7 has no room.
  const fixed = Float64Array.from([7, 0, 5]);
  expect(solve(problemOf([7, 4], [0, 1], { fixed }))).toEqual([1, 2]);
});

test('a channel leaves where it is not allowed, and goes only where it is', () => {
  const allowed = Uint8Array.from([0, 0, 1, 1, 1, 1]);
  expect(solve(problemOf([1, 1], [0, 0], { allowed }))).toEqual([2, 0]);
});

test('an encoder has no more channels than it may', () => {
  const mostChannels = Int32Array.from([1, 0, 3]);
  expect(solve(problemOf([1, 2], [0, 0], { mostChannels }))).toEqual([2, 0]);
});

test('channels of a group part by zone; also from mates that are not in the problem', () => {
  const zones = Int32Array.from([0, 0, 1]);
  const groups = Int32Array.from([0, 0]);
  const base = { zones, groups, zoneCount: 2, taken: Int32Array.from([0, 0]) };
  expect(solve(problemOf([1, 2], [0, 1], base))).toEqual([2, 1]);
  expect(solve(problemOf([1], [0], { ...base, groups: Int32Array.from([0]), taken: Int32Array.from([1, 0]) }))).toEqual([2]); // prettier-ignore
  expect(solve(problemOf([1, 2], [0, 2], base))).toEqual([0, 2]);
});

test('where nothing is within the limits there is no answer', () => {
  expect(solve(problemOf([8, 8, 8, 8], [0, 0, 1, 2]))).toBeNull();
  expect(solve(problemOf([1], [0], { allowed: Uint8Array.from([0, 0, 0]) }))).toBeNull();
});

test('no iterations, no answer', () => {
  expect(solve(problemOf([4], [0]), 0)).toBeNull();
});

/** Small problems of all kinds, some of them without an answer. */
const drawn = (seed: number): RearrangementProblem => {
  const random = seededRandom(seed);
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  const channels = whole(3, 6);
  const encoders = whole(2, 4);
  const steps = whole(1, 3);
  const each = <T>(count: number, of: () => T): T[] => Array.from({ length: count }, of);
  const zoneCount = 3;
  return {
    ...{ channels, encoders, steps, zoneCount },
    needs: Float64Array.from(each(channels * steps, () => whole(1, 6))),
    fixed: Float64Array.from(each(encoders * steps, () => whole(0, 4))),
    limits: Float64Array.from(each(encoders, () => whole(8, 14))),
    mostChannels: Int32Array.from(each(encoders, () => whole(1, 5))),
    allowed: Uint8Array.from(each(channels * encoders, () => (random() < 0.85 ? 1 : 0))),
    start: Int32Array.from(each(channels, () => whole(0, encoders - 1))),
    reluctance: Float64Array.from(each(channels, () => random() / (2 * channels))),
    zones: Int32Array.from(each(encoders, () => whole(0, zoneCount - 1))),
    groups: Int32Array.from(each(channels, () => (random() < 0.3 ? whole(0, 1) : -1))),
    taken: Int32Array.from(each(2 * zoneCount, () => (random() < 0.15 ? 1 : 0))),
    fewestMoves: 0,
  };
};

const PROBLEMS = searchSize(150);

test(`of ${PROBLEMS} small problems (seeds 1 to ${PROBLEMS}) it finds the best answer of all that have one`, () => {
  const judged = Array.from({ length: PROBLEMS }, (_, i) => {
    const problem = drawn(i + 1);
    const best = bestCostOf(problem);
    const found = solve(problem);
    if (found) expect(isWithinLimits(problem, found)).toBe(true);
    const cost = found ? costOf(problem, found) : Infinity;
    return { solvable: best < Infinity, missed: !found && best < Infinity, isBest: cost <= best + 1e-9 };
  });
  const solvable = judged.filter((each) => each.solvable);
  expect(solvable.length).toBeGreaterThan(PROBLEMS / 3);
  expect(judged.length - solvable.length).toBeGreaterThan(PROBLEMS / 30);
  expect(solvable.filter(({ missed }) => missed)).toEqual([]);
  // Measured, no promise of the method: a search that finds the best answer less often has become worse.
  expect(solvable.filter(({ isBest }) => !isBest)).toEqual([]);
});

/** Small ones that are hard to repair: groups with mates elsewhere, few sessions, places that are not allowed. */
const knotted = (seed: number): RearrangementProblem => {
  const random = seededRandom(1_000 + seed);
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  const { channels, encoders, zoneCount, ...rest } = { ...drawn(seed), channels: 5, encoders: 3 };
  const each = (count: number, of: () => number): number[] => Array.from({ length: count }, of);
  return {
    ...{ ...rest, channels, encoders, zoneCount, steps: 2 },
    needs: Float64Array.from(each(channels * 2, () => whole(1, 6))),
    fixed: Float64Array.from(each(encoders * 2, () => whole(0, 2))),
    limits: Float64Array.from(each(encoders, () => whole(9, 13))),
    mostChannels: Int32Array.from(each(encoders, () => whole(2, 3))),
    allowed: Uint8Array.from(each(channels * encoders, () => (random() < 0.85 ? 1 : 0))),
    start: Int32Array.from(each(channels, () => whole(0, encoders - 1))),
    reluctance: Float64Array.from(each(channels, () => random() / (2 * channels))),
    zones: Int32Array.from(each(encoders, () => whole(0, zoneCount - 1))),
    groups: Int32Array.from(each(channels, () => whole(-1, 1))),
    taken: Int32Array.from(each(2 * zoneCount, () => (random() < 0.08 ? 1 : 0))),
  };
};
const BUDGETS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 400];

test('of 200 knotted ones (seeds 1 to 200) it finds the best answer soon', () => {
  let steps = 0;
  let solvable = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const problem = knotted(seed);
    const best = bestCostOf(problem);
    if (best === Infinity) continue;
    solvable += 1;
    const enough = BUDGETS.find((budget) => {
      const found = solve(problem, budget);
      return found !== null && isWithinLimits(problem, found) && costOf(problem, found) <= best + 1e-9;
    });
    expect([seed, enough]).toEqual([seed, expect.any(Number)]);
    steps += enough!;
  }
  expect(solvable).toBe(102);
  // Measured too: one that needs more steps has become worse.
  expect(steps).toBeLessThanOrEqual(606);
});
