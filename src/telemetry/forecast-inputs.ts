import type { AudienceRow, EncodingObservation, KnownEvent } from '../domain';

export type { AudienceRow } from '../domain';

/** Most events that a cell keeps. */
export const MAX_EVENTS = 1_000;

/** Steps on the wall clock's grid; the last one is the last complete before `endMs`. */
export interface StepWindow {
  cell: string;
  stepSeconds: number;
  steps: number;
  endMs: number;
}

/** Mean cost of one session of a channel on an encoder over a minute. */
export type EncodingMinute = EncodingObservation;

export type StepSeries = Record<string, (number | null)[]>;

/**
 * What forecasts are made from. Histories are one value per step, oldest first, null = hole.
 * Every method: @throws SwarmError unavailable, timeout
 */
export interface ForecastInputs {
  /** Viewers by channel (all its regions) and by region (all its channels; audience without a region is left out). */
  audience(options: StepWindow): Promise<{ byChannel: StepSeries; byRegion: StepSeries }>;

  /** CDN load fraction by region. Where somebody measures it, nothing generated is mixed in. */
  regionLoad(options: StepWindow): Promise<StepSeries>;

  /** Trend score by channel. */
  trend(options: StepWindow): Promise<StepSeries>;

  /** Encoding history by minute. */
  encodingMinutes(options: { cell: string; sinceMs: number }): Promise<EncodingMinute[]>;

  /** Events that begin in [fromMs, toMs), ascending; absent bounds: all that are kept. */
  events(options: { cell: string; fromMs?: number; toMs?: number }): Promise<KnownEvent[]>;

  /**
   * Adds an event, or replaces the one with its id. Stored when it resolves. Where there are MAX_EVENTS others, the
   * oldest that is over makes room.
   * @throws SwarmError at-capacity-limit: there are, and none of them is over
   */
  putEvent(cell: string, event: KnownEvent): Promise<void>;

  /** @returns false where there is none with this id */
  removeEvent(cell: string, id: string): Promise<boolean>;

  /** Writes audience, all of it or (on an error) possibly none. The same row again replaces itself. */
  importAudience(cell: string, rows: readonly AudienceRow[]): Promise<void>;
}
