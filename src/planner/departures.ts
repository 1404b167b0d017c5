import type { PlacementTable } from './placement-table';

/** Sets larger than this are not searched but gathered from the largest channels down. */
const MAX_SET = 4;
/** Of an encoder with more candidates than this, only the largest are combined: sets grow with their power. */
const MAX_CANDIDATES = 12;
/** Most sets that are offered where several would do. */
const MAX_OFFERED = 40;

/** What an encoder carries beyond its limit at the steps where it does: [step, quanta] pairs. */
const excessesOf = (table: PlacementTable, encoder: number): { step: number; excess: number }[] => {
  const limit = table.limitOf[encoder]!;
  const excesses: { step: number; excess: number }[] = [];
  for (let k = 0; k < table.steps; k = table.stepAfter(k)) {
    const excess = table.sumOn(encoder, k) - limit;
    if (excess > 0) excesses.push({ step: k, excess });
  }
  return excesses;
};

/**
 * A lower bound: fewest channels that must leave an encoder so that it is within its limit at every step. At each
 * step on its own, the largest leave first. Infinity if all of them are not enough.
 */
export const fewestDepartures = (
  table: PlacementTable,
  encoder: number,
  channels: readonly number[],
): number => {
  let fewest = 0;
  for (const { step, excess } of excessesOf(table, encoder)) {
    const units = channels.map((c) => table.needOf(c, step)).sort((a, b) => b - a);
    let left = excess;
    let count = 0;
    while (left > 0 && count < units.length) left -= units[count++]!;
    if (left > 0) return Infinity;
    fewest = Math.max(fewest, count);
  }
  return fewest;
};

/** All sets of `size` of the numbers below `count`, in order. */
const setsOf = (count: number, size: number): number[][] => {
  const sets: number[][] = [];
  const extend = (set: number[], from: number): void => {
    if (set.length === size) {
      sets.push([...set]);
      return;
    }
    for (let i = from; i <= count - (size - set.length); i++) {
      set.push(i);
      extend(set, i + 1);
      set.pop();
    }
  };
  extend([], 0);
  return sets;
};

/**
 * Sets of channels whose departure brings an encoder within its limit: the fewest channels first, among these the
 * smallest. Bounded in number, and made as they are asked for.
 *
 * @param candidates channels that may leave, largest first
 */
export function* relievingSets(
  table: PlacementTable,
  encoder: number,
  candidates: readonly number[],
): Generator<number[]> {
  const excesses = excessesOf(table, encoder);
  const fewest = fewestDepartures(table, encoder, candidates);
  if (!Number.isFinite(fewest)) return;
  const relieves = (set: readonly number[]): boolean =>
    excesses.every(({ step, excess }) => set.reduce((left, c) => left - table.needOf(c, step), excess) <= 0);
  const unitsOf = (set: readonly number[]): number => set.reduce((sum, c) => sum + table.peakOf[c]!, 0);

  const largest = candidates.slice(0, MAX_CANDIDATES);
  let offered = 0;
  for (let size = fewest; size <= Math.min(MAX_SET, largest.length); size++) {
    const sets = setsOf(largest.length, size)
      .map((set) => set.map((i) => largest[i]!))
      .filter(relieves)
      .map((set) => ({ set, units: unitsOf(set) }))
      .sort((a, b) => a.units - b.units);
    for (const { set } of sets) {
      if (++offered > MAX_OFFERED) return;
      yield set;
    }
    // One more than the fewest may find room where the fewest don't; two more hardly ever.
    if (size > fewest && offered > 0) return;
  }
  if (offered === 0) yield gatheredSet(candidates, relieves);
}

/** Largest first until they relieve it, then without those that the others make unnecessary. */
const gatheredSet = (
  candidates: readonly number[],
  relieves: (set: readonly number[]) => boolean,
): number[] => {
  const set: number[] = [];
  for (const channel of candidates) {
    if (relieves(set)) break;
    set.push(channel);
  }
  for (const channel of [...set].reverse()) {
    const without = set.filter((c) => c !== channel);
    if (relieves(without)) set.splice(set.indexOf(channel), 1);
  }
  return set;
};
