import type { DemandCurve } from '../domain';

/**
 * Demand of several series together, step by step.
 *
 * P50 is the sum of the P50s. The quantiles of a sum are not the sums of the quantiles: the distance from P50 to
 * P90 (and to P10) is combined like a standard deviation of variables with one common correlation,
 *
 *   D² = (1 - correlation) · Σ d² + correlation · (Σ d)²,
 *
 * which is exact for normal errors. correlation = 1 gives the comonotonic sum Σ d: all go wrong together, the widest
 * band that a sum can have for such errors. correlation = 0: errors that know nothing of each other.
 *
 * @param curves all of the same length; none: an empty sum of `steps` zeros
 * @param correlation between the errors of any two of them; clamped to [0, 1]
 */
export const sumCurves = (
  curves: readonly DemandCurve[],
  correlation: number,
  steps = curves[0]?.p50.length ?? 0,
): DemandCurve => {
  const common = Math.min(1, Math.max(0, correlation));
  const spreadOf = (distances: number[]): number => {
    const sum = distances.reduce((total, d) => total + d, 0);
    const squares = distances.reduce((total, d) => total + d * d, 0);
    return Math.sqrt((1 - common) * squares + common * sum * sum);
  };
  const total: DemandCurve = { p10: [], p50: [], p90: [] };
  for (let step = 0; step < steps; step++) {
    const at = curves.map(({ p10, p50, p90 }) => ({
      p10: p10[step] ?? 0,
      p50: p50[step] ?? 0,
      p90: p90[step] ?? 0,
    }));
    const middle = at.reduce((sum, value) => sum + value.p50, 0);
    total.p50.push(middle);
    total.p10.push(Math.max(0, middle - spreadOf(at.map((v) => v.p50 - v.p10))));
    total.p90.push(middle + spreadOf(at.map((v) => v.p90 - v.p50)));
  }
  return total;
};
