/** A channel as the relay answers it over HTTP. */
export interface RelayChannelInfo {
  id: string;
  gopDurationTicks: number;
  /** Oldest GOP that a feed can begin with; null while the ring is empty. */
  oldestGop: number | null;
  /** GOP now arriving; null while no contribution sends. */
  openGop: number | null;
  lastSealedGop: number | null;
  /** GOP at whose start the next contribution goes on. */
  nextGop: number;
  /**
   * What the clock of the last contribution showed at the start of `nextGop`, 33-bit ticks: a sender that still has
   * those pictures goes on from there. Null if no GOP was received yet.
   */
  resumeSourceTicks: number | null;
  /** Sealed GOPs that are in memory only, as the disk refuses them. */
  unsavedGops: number;
  ingestConnected: boolean;
  /** Wall clock, milliseconds since 1970; null before the first byte since the relay started. */
  lastIngestAtMs: number | null;
  /** Pictures taken in since the relay started. */
  framesIn: number;
}

/** The presentation times of a complete GOP. */
export interface GopLedger {
  gop: number;
  /** Channel time of each picture, ascending. */
  ptsTicks: number[];
  /** ptsLedgerHash(ptsTicks). */
  sha256: string;
  /** Wall clock, milliseconds since 1970. */
  sealedAtMs: number;
}
