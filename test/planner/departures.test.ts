import { fewestDepartures, relievingSets } from '../../src/planner/departures';

/** One encoder with these channels, each with its needs per step; what counts of a table of placements here. */
const encoderWith = (limit: number, needs: number[][], fixed: number[] = []) => {
  const steps = needs[0]?.length ?? 1;
  return {
    steps,
    limitOf: [limit],
    peakOf: needs.map((each) => Math.max(...each)),
    needOf: (channel: number, step: number) => needs[channel]![step]!,
    sumOn: (_: number, step: number) => needs.reduce((sum, each) => sum + each[step]!, fixed[step] ?? 0),
    stepAfter: (step: number) => step + 1,
  } as never;
};
const all = (needs: number[][]): number[] => needs.map((_, c) => c);
const fewest = (limit: number, needs: number[][], fixed?: number[]): number =>
  fewestDepartures(encoderWith(limit, needs, fixed), 0, all(needs));
/** Candidates come largest first. */
const setsOf = (limit: number, needs: number[][], fixed?: number[]): number[][] => [
  ...relievingSets(encoderWith(limit, needs, fixed), 0, all(needs)),
];

describe('the fewest channels that must leave', () => {
  test.each<[string, number, number, number[][], number[]]>([
    ['none within the limit, which it may meet', 0, 10, [[6], [4]], []],
    ['the largest alone, if that is enough', 1, 10, [[6], [4], [3]], []],
    ['the largest wherever it stands', 1, 8, [[3], [4], [6]], []],
    ['two where one is not enough', 2, 5, [[5], [4], [3]], []],
    ['all where the rest is at the limit', 2, 5, [[5], [4]], [5]],
    ['more than there are where the rest is over it', Infinity, 5, [[5], [4]], [6]],
    ['as many as the worst step asks for', 2, 10, [[6, 4], [5, 4], [1, 4]], [0, 4]], // prettier-ignore
    ['at each step its own largest', 1, 10, [[9, 1], [1, 9], [1, 1]], []], // prettier-ignore
  ])('%s: %d', (_, expected, limit, needs, fixed) => {
    expect(fewest(limit, needs, fixed)).toBe(expected);
  });
});

describe('sets of channels that relieve an encoder', () => {
  test('come the smallest first, then those with one channel more', () => {
    // 13 of 10: any of the first two does, or the last two together.
    const sets = setsOf(10, [[6], [4], [2], [1]]);
    expect(sets.slice(0, 2)).toEqual([[1], [0]]);
    expect(sets.slice(2).map((set) => set.length)).toEqual(Array(sets.length - 2).fill(2));
    expect(sets).toContainEqual([2, 3]);
    expect(sets[2]).toEqual([2, 3]);
    expect(new Set(sets.map((set) => set.join())).size).toBe(sets.length);
  });

  test('relieve it at every step', () => {
    // At the first step the one must go, at the second the other.
    const needs = [[9, 1], [1, 9], [1, 1]]; // prettier-ignore
    for (const set of setsOf(10, needs)) {
      for (const step of [0, 1])
        expect(11 - set.reduce((sum, c) => sum + needs[c]![step]!, 0)).toBeLessThanOrEqual(10);
    }
    expect(setsOf(10, needs)[0]).toEqual([2]);
    expect(setsOf(3, needs)[0]).toEqual([0, 1]);
  });

  test('are none where even all of them are not enough', () => {
    expect(setsOf(5, [[5], [4]], [6])).toEqual([]);
  });

  test('one more than the fewest is offered, not two', () => {
    const sizes = setsOf(10, [[3], [3], [3], [3]]).map((set) => set.length);
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([1, 2]);
  });

  test('are forty at most', () => {
    expect(
      setsOf(
        30,
        Array.from({ length: 12 }, () => [3]),
      ),
    ).toHaveLength(40);
  });

  test('of more than four are gathered from the largest down, without those that prove unnecessary', () => {
    // 5 x 6 + 2 of 6: five must go; the four largest and the second smallest do not do.
    const needs = [[6], [6], [6], [6], [6], [2]];
    expect(setsOf(2, needs)).toEqual([[0, 1, 2, 3, 4]]);
    // The first is the largest, but at the step that is over the limit it needs nothing.
    const uneven = [[9, 0], ...Array.from({ length: 6 }, () => [4, 4])];
    expect(setsOf(33, uneven, [0, 30])).toEqual([[1, 2, 3, 4, 5, 6]]);
  });

  test('of many candidates only the twelve largest are combined', () => {
    const needs = Array.from({ length: 14 }, (_, c) => [20 - c]);
    const total = needs.reduce((sum, [units]) => sum + units!, 0);
    for (const set of setsOf(total - 7, needs)) expect(Math.max(...set)).toBeLessThan(12);
  });
});
