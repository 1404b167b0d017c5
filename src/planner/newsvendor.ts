import type { DemandCurve, Policy } from '../domain';

const MINUTES_PER_HOUR = 60;
/** Standard normal quantile of 0.9. */
const Z90 = 1.2815515655446004;
const MAX_FRACTILE = 0.995;

/**
 * Share of the demand's distribution that is worth providing for: the newsvendor's critical fractile
 * cu / (cu + co). One encoder too few costs `overloadedMinutePrice` a minute, one too many its rent.
 * Cut at 0.995: no forecast of three quantiles knows the tail beyond.
 *
 * Source: Arrow, Harris and Marschak, Optimal Inventory Policy, Econometrica 1951.
 */
export const criticalFractile = ({
  encoderHourPrice,
  overloadedMinutePrice,
}: Pick<Policy, 'encoderHourPrice' | 'overloadedMinutePrice'>): number => {
  const tooMany = encoderHourPrice / MINUTES_PER_HOUR;
  return Math.min(MAX_FRACTILE, overloadedMinutePrice / (overloadedMinutePrice + tooMany));
};

/** Coefficients of the rational approximations, central region and tail. */
const A = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
  2.506628277459239,
];
const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
const C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
const TAIL = 0.02425;

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, c) => sum * x + c, 0);

/**
 * Quantile of the standard normal distribution, relative error below 1.15e-9 (P. J. Acklam's algorithm).
 * @param level in (0, 1)
 */
export const normalQuantile = (level: number): number => {
  if (level > 1 - TAIL) return -normalQuantile(1 - level);
  if (level < TAIL) {
    const q = Math.sqrt(-2 * Math.log(level));
    return polynomial(C, q) / polynomial([...D, 1], q);
  }
  const q = level - 0.5;
  const r = q * q;
  return (polynomial(A, r) * q) / polynomial([...B, 1], r);
};

/**
 * Any quantile of one step of a demand curve: between P10, P50 and P90 on the scale of normal scores, each half with
 * its own width (a two-piece normal), continued beyond them. Never negative.
 *
 * @param level in (0, 1)
 */
export const quantileAt = (curve: DemandCurve, step: number, level: number): number => {
  const p50 = curve.p50[step] ?? 0;
  const z = normalQuantile(level) / Z90;
  const width = z >= 0 ? (curve.p90[step] ?? p50) - p50 : p50 - (curve.p10[step] ?? p50);
  return Math.max(0, p50 + z * width);
};
