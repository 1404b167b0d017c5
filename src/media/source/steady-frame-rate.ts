import { framesPerSecondOf, parseFrameRate, type FrameRate } from '../../domain';

/** What ffprobe says of a stream's rate, as `num/den`; `0/0` if it does not know. */
export interface ProbedRates {
  /** The lowest rate that can express the times of the first pictures exactly: `r_frame_rate`. */
  baseRate: string;
  /** Pictures by time: `avg_frame_rate`. */
  averageRate: string;
}

/** Rates in use. What is measured is taken for one of these where it is that close. */
const standard: readonly FrameRate[] = [
  ...(['24000/1001', '30000/1001', '48000/1001', '60000/1001', '120000/1001'] as const),
  ...[24, 25, 30, 48, 50, 60, 100, 120],
];
const CLOSE_TO_STANDARD = 0.0004;

/** A measured average counts as that of a steady picture when it is this close to the base rate. */
const STEADY_WITHIN = 0.01;
const HIGHEST_PER_SECOND = 120;

/** Null if it is no rate. */
const perSecondOf = (ratio: string): number | null => {
  const [numerator = 0, denominator = 1] = ratio.split('/').map(Number);
  return numerator > 0 && denominator > 0 ? numerator / denominator : null;
};

const nearestStandard = (perSecond: number): FrameRate | null =>
  standard.find((rate) => Math.abs(perSecond / framesPerSecondOf(rate) - 1) < CLOSE_TO_STANDARD) ?? null;

/** Its pictures come faster than any channel's. */
export const isTooFast = ({ averageRate }: ProbedRates): boolean =>
  (perSecondOf(averageRate) ?? 0) > HIGHEST_PER_SECOND * (1 + CLOSE_TO_STANDARD);

/** The rate of a stream whose pictures come at a steady one; null if it is unknown or varies. */
export const steadyFrameRate = ({ baseRate, averageRate }: ProbedRates): FrameRate | null => {
  const base = perSecondOf(baseRate);
  const average = perSecondOf(averageRate);
  if (base === null || average === null) return null;
  const isNear = (a: number, b: number): boolean => Math.abs(a / b - 1) <= STEADY_WITHIN;
  if (isNear(average, base) && base <= HIGHEST_PER_SECOND)
    return nearestStandard(base) ?? parseFrameRate(baseRate);
  // The base may count fields.
  if (isNear(2 * average, base) && average <= HIGHEST_PER_SECOND)
    return nearestStandard(average) ?? parseFrameRate(averageRate);
  // The base may be the clock of the container.
  return base > HIGHEST_PER_SECOND ? nearestStandard(average) : null;
};
