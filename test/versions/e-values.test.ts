import { eValueAbove, eValueBelow } from '../../src/versions/e-values';

/** The mixture as its definition has it, with products instead of logarithms: right for few outcomes. */
const byDefinition = (n: number, yes: number, q: number, from: number, to: number): number => {
  let sum = 0;
  for (let i = 0; i < 10; i++) {
    const p = from + ((i + 0.5) / 10) * (to - from);
    sum += (p / q) ** yes * ((1 - p) / (1 - q)) ** (n - yes);
  }
  return sum / 10;
};

describe('e-values', () => {
  test.each([
    [1, 0, 0.1],
    [1, 1, 0.1],
    [7, 3, 0.25],
    [20, 2, 0.1],
    [20, 20, 0.5],
  ])('are the mean likelihood ratio over the alternatives: %i outcomes, %i yes, q = %d', (n, yes, q) => {
    const above = eValueAbove(n, yes, q);
    const below = eValueBelow(n, yes, q);
    expect(above / byDefinition(n, yes, q, q, 1)).toBeCloseTo(1, 10);
    expect(below / byDefinition(n, yes, q, 0, q)).toBeCloseTo(1, 10);
  });

  test('nothing seen is no evidence', () => {
    expect(eValueAbove(0, 0, 0.1)).toBeCloseTo(1, 12);
    expect(eValueBelow(0, 0, 0.1)).toBeCloseTo(1, 12);
  });

  test('are swapped when yes and no are', () => {
    expect(eValueAbove(30, 9, 0.2) / eValueBelow(30, 21, 0.8)).toBeCloseTo(1, 10);
  });

  test('stay finite where the likelihoods do not, however small or large all of them are', () => {
    // Each ratio is below the least number that a double can hold; so is their mean.
    expect(eValueAbove(100_000, 10_000, 0.5)).toBe(0);
    // p = 0.95 alone is 1.9^1000: the sum of all of them in one double, but not that of 10 of 1.95^1000.
    expect(eValueAbove(1_000, 1_000, 0.5)).toBeGreaterThan(1e280);
    expect(Number.isFinite(eValueAbove(1_050, 1_050, 0.5))).toBe(true);
    expect(eValueAbove(100_000, 100_000, 0.5)).toBe(Infinity);
  });
});
