import type { Policy } from './plan';
import type { CellForecast, SwarmSnapshot } from './snapshot';

/** Names a snapshot in the telemetry store. */
export interface SnapshotReference {
  /** Its time and the beginning of its hash. */
  snapshotId: string;
  /** SHA-256 of the stored record, hexadecimal: shows that what is found later is what was planned from. */
  sha256: string;
  /** The store had confirmed it when the cycle went on. False: it was away or late; the record may be missing. */
  stored: boolean;
}

/** All that one control cycle planned from. Planning again from it gives the same plan. */
export interface PlanningRecord {
  /** Control cycle that planned, by its workflow id. */
  cycleId: string;
  snapshot: SwarmSnapshot;
  /** The forecast is kept beside it, once for all cycles that planned with it. */
  forecast: Pick<CellForecast, 'forecastId' | 'issuedAtMs'> | null;
  policy: Policy;
  lowDemandSinceMs: number | null;
  /** Build to bring encoders to; null: none, or not now. */
  target: { id: string; digest: string } | null;
}
