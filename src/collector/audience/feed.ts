import type { Point } from '../../telemetry';

/** What an audience has to know of a channel. */
export interface AudienceChannel {
  id: string;
  /** Where viewers are of whom nothing else is known. */
  region: string;
  /** Null while nobody encodes it. */
  encoderId: string | null;
  onAir: boolean;
}

/** Where the viewers of each channel come from. */
export interface AudienceFeed {
  /**
   * Points to be written at this moment.
   * @throws SwarmError unavailable, timeout: call again
   */
  pointsAt(channels: readonly AudienceChannel[], atMs: number): Promise<Point[]>;
  /** Viewers of a channel at any moment, also to come, where they are generated; else null. */
  viewersAt(channelId: string, atMs: number): number | null;
}
