import type { ChannelSpec } from './channel';
import type { EncoderObservation } from './encoder';
import type { FitnessTerm } from './plan';

/** Who may publish a channel. */
export interface Owner {
  encoderId: string;
  sessionId: string;
}

/** A channel as the control cycle sees it. */
export interface ChannelObservation {
  spec: ChannelSpec;
  owner: Owner | null;
  token: number;
  nextGop: number;
  lastPublishedAtMs: number | null;
  /** Rungs that the owner encodes now. */
  rungs: number;
  viewers: number;
  /** A handoff or recovery is under way. */
  moving: boolean;
  /** When its last move ended; null if never moved. */
  movedAtMs: number | null;
  /** Nobody brings its input, and all that came is published: the next encoder would have nothing to begin with. */
  hasNoInput?: true;
}

/** An encoder that was asked for and does not answer yet. */
export interface PendingEncoder {
  requestId: string;
  /** Absent: the provider's choice. */
  zone?: string;
  askedAtMs: number;
}

/** How a request for encoders ended. */
export interface ProvisioningOutcome {
  /** Absent where several requests are counted as one. */
  requestId?: string;
  /** Absent: the provider's choice, or several. */
  zone?: string;
  askedAtMs: number;
  endedAtMs: number;
  /** Encoders asked for, and how many of them answer; 0: it failed. */
  asked: number;
  got: number;
}

/** All that a plan is made from. Plain JSON; the same snapshot gives the same plan. */
export interface SwarmSnapshot {
  cell: string;
  atMs: number;
  encoders: EncoderObservation[];
  channels: ChannelObservation[];
  /** Absent: none is under way. */
  pendingEncoders?: PendingEncoder[];
  /** Recent requests for encoders, oldest first; what the provisioning lead time is learned from. */
  provisioning?: ProvisioningOutcome[];
}

/** P10/P50/P90 of a quantity over the coming steps. All three arrays have `horizonSteps` entries. */
export interface DemandCurve {
  p10: number[];
  p50: number[];
  p90: number[];
}

/** One issued forecast of a cell: encode units per channel, and per encoder under today's placement. */
export interface CellForecast {
  forecastId: string;
  model: string;
  issuedAtMs: number;
  stepSeconds: number;
  horizonSteps: number;
  /** Viewers by channel id. */
  viewers: Record<string, DemandCurve>;
  /** Encode units by channel id. */
  channelUnits: Record<string, DemandCurve>;
  /**
   * Encode units of the whole cell, forecast as a series of its own: channels rise and fall together in part only,
   * so that the sum of their P90s is no P90 of their sum. Absent: estimated from the channels.
   */
  totalUnits?: DemandCurve;
  /** Predicted CDN load fraction by region; absent where nobody measures it. */
  regionLoad?: Record<string, DemandCurve>;
  /** Viewers of all channels together by region; absent where audience carries no region. */
  regionViewers?: Record<string, DemandCurve>;
  /** Between the errors of any two channels, in [0, 1]; absent while too few have been scored. */
  errorCorrelation?: number;
  /** Channels whose history was too short, so that the current level was held. */
  held: string[];
}

/** Fitness of an encoder in [0, 1] with its parts, each in [0, 1], and the part that hurt it most. */
export interface Fitness {
  encoderId: string;
  score: number;
  terms: Record<FitnessTerm, number>;
  weakestTerm: FitnessTerm;
}
