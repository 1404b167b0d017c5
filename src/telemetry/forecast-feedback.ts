import type { IssuedStep, LatestFeedback, ScoredStep, SeriesAccuracy } from '../domain';

/**
 * Forecasts by lead time, and how they fared. Kept for a week.
 * Every method: @throws SwarmError unavailable, timeout
 */
export interface ForecastFeedback {
  /** The same step at the same lead again replaces itself. */
  writeIssued(cell: string, steps: readonly IssuedStep[]): Promise<void>;

  /** Issued steps whose target lies in [fromMs, toMs), ascending by target. */
  issued(options: { cell: string; fromMs: number; toMs: number }): Promise<IssuedStep[]>;

  writeScores(cell: string, scores: readonly ScoredStep[]): Promise<void>;

  latest(options: { cell: string; sinceMs: number }): Promise<LatestFeedback[]>;

  /** Accuracy by series and lead over the scored steps since a moment. */
  accuracy(options: { cell: string; sinceMs: number }): Promise<SeriesAccuracy[]>;

  /** Standardised errors of channels at one lead, by channel and target. */
  errors(options: {
    cell: string;
    lead: number;
    sinceMs: number;
  }): Promise<Record<string, Map<number, number>>>;
}
