import { seededRandom } from '../../src/domain';
import { clockParts } from '../../src/forecast/clock';
import { weighMembers } from '../../src/forecast/combine';
import type { PastCells } from '../../src/forecast/past-forecasts';
import fc from '../support/fast-check';

const seed = Number(process.env.FAST_CHECK_SEED ?? 20_261_128);
const HORIZON = 4;
const DAY_STEPS = 24;
const MEMBERS = 3;

/** Held-back forecasts of three members with errors of their own, from origins seven steps apart. */
const heldBack = (origins: number, randomSeed: number): { cells: PastCells; members: Float64Array[] } => {
  const random = seededRandom(randomSeed);
  const parts = clockParts(DAY_STEPS);
  const truth = Float64Array.from({ length: origins * HORIZON }, () => 5 + random());
  const cells: PastCells = {
    ...{ horizon: HORIZON, daySteps: DAY_STEPS, clockParts: parts, truth },
    origins: Array.from({ length: origins }, (_, i) => 7 * i),
    recency: Float64Array.from({ length: origins }, (_, i) => 0.9 ** (origins - i)),
    clock: Int32Array.from({ length: origins }, (_, i) =>
      Math.floor((((7 * i) % DAY_STEPS) * parts) / DAY_STEPS),
    ),
  };
  const members = Array.from({ length: MEMBERS }, (_, m) =>
    truth.map((actual) => actual + (m + 1) * (random() - 0.5)),
  );
  return { cells, members };
};

test('no error has a part in the weights that it is measured with', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), fc.nat(), (origins, randomSeed, which) => {
      const { cells, members } = heldBack(origins, randomSeed);
      const before = weighMembers(cells, members).errors;
      const origin = which % origins;
      const shifted = cells.truth.map((actual, cell) =>
        Math.floor(cell / HORIZON) === origin ? actual + 0.7 : actual,
      );
      const after = weighMembers({ ...cells, truth: shifted }, members).errors;
      for (let cell = origin * HORIZON; cell < (origin + 1) * HORIZON; cell++) {
        expect(after[cell]! - before[cell]!).toBeCloseTo(0.7, 9);
      }
    }),
    { seed, numRuns: 200 },
  );
});

test('the better a member was, the more it weighs; all weigh the same where there is but one origin to tell', () => {
  const { cells, members } = heldBack(40, 1);
  for (const weights of weighMembers(cells, members).weights) {
    const [best, middle, worst] = [0, 1, 2].map((m) => weights[m * HORIZON]!);
    expect(best).toBeGreaterThan(middle!);
    expect(middle).toBeGreaterThan(worst!);
  }
  const single = heldBack(1, 1);
  const mean = (cell: number): number => {
    // The weighted mean of the middle half of three equal weights: the middle one whole, of the others a quarter.
    const [low, middle, high] = single.members.map((m) => m[cell]!).sort((a, b) => a - b);
    return (0.25 * low! + middle! + 0.25 * high!) / 1.5;
  };
  const { errors } = weighMembers(single.cells, single.members);
  errors.forEach((error, cell) => expect(error).toBeCloseTo(single.cells.truth[cell]! - mean(cell), 9));
});

test('what no member forecast has no error', () => {
  const { cells, members } = heldBack(5, 2);
  for (const member of members) member[6] = NaN;
  const { errors } = weighMembers(cells, members);
  expect(errors[6]).toBeNaN();
  expect(errors.filter((error) => Number.isNaN(error))).toHaveLength(1);
});
