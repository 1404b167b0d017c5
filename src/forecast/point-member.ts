import type { CleanSeries } from './clean-series';

/** What the fits of one series have in common. Origins and steps are indices into the history that is fitted. */
export interface FitFrame {
  series: CleanSeries;
  /** Steps that are forecast directly. */
  horizon: number;
  /** Ascending; the held-back forecasts are made from these. */
  origins: readonly number[];
}

/** A fitted statistical member: point forecasts on the logarithmic scale of the series. */
export interface PointMember {
  readonly name: string;
  /**
   * Forecasts from the origins of the frame, [origins x horizon], as if made then: by coefficients that were not
   * fitted on the weeks around the origin. NaN where it has none.
   */
  readonly past: Float64Array;
  /** Forecast of `horizon` steps right after the end of the series, which may have grown since the fit. */
  readonly forecast: (series: CleanSeries) => Float64Array;
}
