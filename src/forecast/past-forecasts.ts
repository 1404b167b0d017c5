import type { CleanSeries } from './clean-series';
import { clockPart, clockParts } from './clock';

/** A loss this many days old counts half. */
const HALF_LIFE_DAYS = 10;

/** Cells of held-back forecasts: origins x horizon, row-major. */
export interface PastCells {
  horizon: number;
  daySteps: number;
  /** Absolute step of each origin, ascending. */
  origins: readonly number[];
  /** [origins], how much each counts: the latest most. */
  recency: Float64Array;
  /** [origins], the part of the day in which each lies. */
  clock: Int32Array;
  clockParts: number;
  /** What came, on the logarithmic scale; NaN where it is not known. */
  truth: Float64Array;
}

/** @param origins indices into the history, ascending */
export const pastCells = (series: CleanSeries, origins: readonly number[], horizon: number): PastCells => {
  const { z, known, daySteps, firstStep } = series;
  const truth = new Float64Array(origins.length * horizon).fill(NaN);
  origins.forEach((origin, i) => {
    for (let ahead = 0; ahead < horizon && origin + ahead < z.length; ahead++)
      if (known[origin + ahead]) truth[i * horizon + ahead] = z[origin + ahead]!;
  });
  return {
    horizon,
    daySteps,
    origins: origins.map((origin) => firstStep + origin),
    recency: Float64Array.from(
      origins,
      (origin) => 0.5 ** ((z.length - origin) / (HALF_LIFE_DAYS * daySteps)),
    ),
    clock: Int32Array.from(origins, (origin) => clockPart(firstStep + origin, daySteps)),
    clockParts: clockParts(daySteps),
    truth,
  };
};
