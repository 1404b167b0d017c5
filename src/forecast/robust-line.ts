import { median } from './quantiles';

/** Errors beyond this many robust standard deviations count less; 95 % as efficient as least squares where all is normal. */
const HUBER_K = 1.345;
const ROUNDS = 20;
/** Median absolute deviation to standard deviation, for normal errors. */
const MAD_TO_SIGMA = 1.4826;

export interface RobustLine {
  intercept: number;
  slope: number;
  /** Standard error of the slope; Infinity where x does not vary. */
  slopeError: number;
}

/**
 * Fits y = intercept + slope · x by Huber's M-estimator, iteratively reweighted (Huber 1964; Holland and Welsch 1977).
 * @param x same length as y, not empty
 */
export const robustLine = (x: readonly number[], y: readonly number[]): RobustLine => {
  const n = x.length;
  let weights = new Array<number>(n).fill(1);
  let line: RobustLine = { intercept: median(y), slope: 0, slopeError: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    const total = weights.reduce((sum, w) => sum + w, 0);
    const weighted = (values: readonly number[]): number =>
      values.reduce((sum, v, i) => sum + v * (weights[i] as number), 0) / total;
    const meanX = weighted(x);
    const meanY = weighted(y);
    const sxx = x.reduce((sum, v, i) => sum + (weights[i] as number) * (v - meanX) ** 2, 0);
    const sxy = x.reduce(
      (sum, v, i) => sum + (weights[i] as number) * (v - meanX) * ((y[i] as number) - meanY),
      0,
    );
    const slope = sxx > 1e-12 ? sxy / sxx : 0;
    const intercept = meanY - slope * meanX;
    const residuals = y.map((v, i) => v - intercept - slope * (x[i] as number));
    const sigma = MAD_TO_SIGMA * median(residuals.map(Math.abs));
    const slopeError = sxx > 1e-12 && n > 2 ? sigma / Math.sqrt(sxx) : Infinity;
    const settled = Math.abs(slope - line.slope) + Math.abs(intercept - line.intercept) < 1e-12;
    line = { intercept, slope, slopeError };
    if (sigma === 0 || (round > 0 && settled)) break;
    weights = residuals.map((r) => Math.min(1, (HUBER_K * sigma) / Math.max(1e-12, Math.abs(r))));
  }
  return line;
};
