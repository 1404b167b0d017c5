import type { DemandCurve } from '../domain';

/** One series to forecast. */
export interface SeriesToForecast {
  id: string;
  stepSeconds: number;
  /** Wall clock of history[0], milliseconds since 1970. */
  startMs: number;
  /** One value per step, oldest first; null, NaN, negative or absurd values are holes. */
  history: readonly (number | null)[];
  /** Steps to forecast; the first is the one right after the history. */
  horizonSteps: number;
  /** Steps in a day of this series; absent: 86,400 s. (In the demonstration a day is 24 short steps.) */
  daySteps?: number;
  /** IANA name of the clock that the audience lives by; absent: days begin at the same moment all year round. */
  timeZone?: string;
  /** Level of known events per step, over history and horizon (history.length + horizonSteps values; 0: none). */
  eventLevels?: readonly number[];
}

export interface SeriesForecast {
  /** `horizonSteps` values each, 0 <= p10 <= p50 <= p90, all finite, whatever the history. */
  curve: DemandCurve;
  /** True where the history was too short, so that the current level was held. */
  held: boolean;
  /** Model, or members and weights, that it came from; short enough for a metric tag. */
  model: string;
  /** Share of each member in an ensemble's P50, by name; sums to 1. Absent where one model made it. */
  shares?: Record<string, number>;
}

/** Forecasts many series at once, so that models may work in batches. Never throws for the content of a series. */
export interface SeriesForecaster {
  forecast(series: readonly SeriesToForecast[]): SeriesForecast[];
}

/** Forecasts with earlier fits; fits a series when `learn` is called, and never in `forecast`. */
export interface LearningForecaster extends SeriesForecaster {
  /** True where a series was never learned, or has to be learned again. */
  isDue(series: SeriesToForecast): boolean;
  /** Takes tens of milliseconds. Does nothing for a series that is too short. */
  learn(series: SeriesToForecast): void;
}

/** One member of the ensemble: point and quantile forecasts before calibration. */
export interface EnsembleMember {
  readonly name: string;
  /** Null for a series that it can't forecast (too short, say). */
  forecast(series: readonly SeriesToForecast[]): (DemandCurve | null)[];
  /**
   * What it would have forecast at earlier origins (indices into the history), each from what was known before it:
   * for weights and calibration, many origins in one pass. Null for a series that it can't forecast.
   */
  hindcast?(series: SeriesToForecast, origins: readonly number[]): DemandCurve[] | null;
}
