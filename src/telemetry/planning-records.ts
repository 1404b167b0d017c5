import type { CellForecast } from '../domain';

/** How long a snapshot can be planned from again. */
export const PLANNING_RECORDS_KEPT_MS = 24 * 3_600_000;

/** A PlanningRecord on its way to the store. */
export interface SerialisedRecord {
  cell: string;
  snapshotId: string;
  /** Time of the snapshot. */
  atMs: number;
  /** As JSON; its hash was made from this very text. */
  text: string;
}

/** What control cycles planned from, by id; kept for a day. Every call has a deadline. */
export interface PlanningRecords {
  /**
   * Stores a record and the forecast that it names; a forecast that is stored already is not stored again. Nothing is
   * buffered: what the store does not take now is lost.
   * @throws SwarmError unavailable, timeout
   */
  put(record: SerialisedRecord, forecast: CellForecast | null): Promise<void>;

  /**
   * @param atMs time of the snapshot
   * @returns the record as JSON; null where it has expired or was never stored
   * @throws SwarmError unavailable, timeout
   */
  record(options: { cell: string; snapshotId: string; atMs: number }): Promise<string | null>;

  /** A forecast that a record names; null where it has expired. @throws SwarmError unavailable, timeout */
  forecast(options: { cell: string; forecastId: string; issuedAtMs: number }): Promise<CellForecast | null>;
}
