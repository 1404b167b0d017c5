import type { CellForecast } from '../domain';
import type { ForecastFeedback } from './forecast-feedback';
import type { ForecastInputs } from './forecast-inputs';
import type { PlanningRecords } from './planning-records';

/** One measurement at one moment; tags and fields as docs/reference/measurements.md gives them. */
export interface Point {
  measurement: string;
  tags: Record<string, string>;
  fields: Record<string, number | string | boolean>;
  atMs: number;
}

/** What the database refused for good. Wall clock, milliseconds since 1970. */
export interface Refused {
  atMs: number;
  message: string;
  hint: string;
}

export interface BufferStatus {
  /** Points that wait for the database. */
  buffered: number;
  /** Points given up since the start: the buffer was full, or the database refused them. */
  dropped: number;
  lastError: string | null;
  /** What the database refused last, for good, and when; null: nothing yet. */
  refused: Refused | null;
}

/** Time series of a cell. Every call has a deadline. */
export interface TelemetryStore {
  /** What forecasts are made from, beside the audience. */
  readonly inputs: ForecastInputs;
  /** Forecasts by lead time, and how they fared. */
  readonly feedback: ForecastFeedback;
  /** What control cycles planned from. */
  readonly planning: PlanningRecords;

  /**
   * Resolves once the points are stored or, while the database can't be reached, buffered: up to a limit, then the
   * oldest are dropped and counted.
   * @throws SwarmError bad-request for a point that breaks the contract of its measurement; none is written then
   */
  write(points: Point[]): Promise<void>;

  /**
   * Mean viewers per step, oldest first, null = hole; the last step is the last one complete before `endMs`. Steps
   * lie on the wall clock's grid of `stepSeconds`. A channel's regions are added up.
   * @throws SwarmError unavailable, timeout
   */
  audienceHistory(options: {
    cell: string;
    channelIds: string[];
    stepSeconds: number;
    steps: number;
    endMs: number;
  }): Promise<Record<string, (number | null)[]>>;

  /** Viewers last stored, of the last five minutes. @throws SwarmError unavailable, timeout */
  latestAudience(options: { cell: string; channelIds: string[] }): Promise<Record<string, number>>;

  writeForecast(cell: string, forecast: CellForecast): Promise<void>;

  /** The forecast issued last, null if there is none so young. @throws SwarmError unavailable, timeout */
  latestForecast(cell: string, maxAgeMs: number): Promise<CellForecast | null>;

  /**
   * Points since a moment, or their means per step; ascending in time. Fields that are not numbers are null.
   * @throws SwarmError unavailable, timeout
   */
  recent(
    measurement: string,
    options: {
      cell: string;
      tag?: [string, string];
      fields: string[];
      sinceMs: number;
      stepSeconds?: number;
    },
  ): Promise<{ atMs: number; tags: Record<string, string>; fields: Record<string, number | null> }[]>;

  /** Deletes a cell's audience altogether, and the CDN load that was generated from it. @throws SwarmError unavailable, timeout */
  forgetAudience(cell: string): Promise<void>;

  status(): BufferStatus;

  /** Writes what is buffered, if it can, and ends. */
  close(): Promise<void>;
}
