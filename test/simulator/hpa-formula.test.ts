import { desiredReplicas, ScaleDownWindow, scaleUpLimit } from '../../src/simulator/policies/hpa-formula';

describe("Kubernetes' formula: ceil(replicas x current / target), target 80 %", () => {
  const each = (count: number, utilisation: number) => new Array<number>(count).fill(utilisation);

  test.each([
    // 5 x 1.0 / 0.8 = 6.25
    [each(5, 1), 0, 5, 7],
    // 4 x 1.6 / 0.8 = 8: exactly
    [each(4, 1.6), 0, 4, 8],
    // 10 x 0.4 / 0.8 = 5
    [each(10, 0.4), 0, 10, 5],
    // 0.88 / 0.8 = 1.1 and 0.72 / 0.8 = 0.9: within the tolerance of 0.1
    [each(10, 0.879), 0, 10, 10],
    [each(10, 0.721), 0, 10, 10],
    // 10 x 0.89 / 0.8 = 11.125
    [each(10, 0.89), 0, 10, 12],
    // Two pods that boot count as idle: (4 x 1.2 + 2 x 0) / 6 / 0.8 = 1.0, within tolerance
    [each(4, 1.2), 2, 6, 6],
    // (4 x 2 + 0) / 5 / 0.8 = 2: twice the five
    [each(4, 2), 1, 5, 10],
    // a scale-down leaves them out: 4 x 0.2 / 0.8 = 1
    [each(4, 0.2), 2, 6, 1],
    // nothing is known
    [[], 3, 3, 3],
  ])('%j and %d not ready of %d -> %d', (utilisations, unready, replicas, desired) => {
    expect(desiredReplicas(utilisations, unready, replicas)).toBe(desired);
  });

  test('scale-up at most doubles or adds four', () => {
    expect([1, 3, 4, 10].map(scaleUpLimit)).toEqual([5, 7, 8, 20]);
  });

  test('scale-down waits until every recommendation of 300 s agrees', () => {
    const window = new ScaleDownWindow();
    expect(window.stabilised(10, 0)).toBe(10);
    expect(window.stabilised(4, 15_000)).toBe(10);
    expect(window.stabilised(6, 200_000)).toBe(10);
    expect(window.stabilised(4, 299_000)).toBe(10);
    expect(window.stabilised(4, 300_000)).toBe(6);
    expect(window.stabilised(4, 500_000)).toBe(4);
  });
});
