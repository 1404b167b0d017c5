/** What an encoder host says of itself. Sizes in encode units (see channel.ts). */
export interface EncoderInfo {
  id: string;
  grpcAddress: string;
  region: string;
  zone: string;
  /** Version of the encoder host's software. */
  version: string;
  /** First line of `ffmpeg -version`, without the word ffmpeg. */
  ffmpegVersion: string;
  /** Hex SHA-256 of its ffmpeg executable; absent where a host does not tell. */
  buildDigest?: string;
  capacityUnits: number;
  maxSessions: number;
}

/** The life of a session. `holding`: encodes and keeps its GOPs; `publishing`: owns the channel at the
 * origin; `fenced`: the origin refused its token, it keeps encoding and holding until released. */
export const sessionStates = [
  'starting',
  'holding',
  'publishing',
  'fenced',
  'failed',
  'released',
] as const;
export type SessionState = (typeof sessionStates)[number];

/** One encoder working on one channel. */
export interface SessionInfo {
  sessionId: string;
  channelId: string;
  state: SessionState;
  /** Fencing token that the session publishes with; 0 while it has none. */
  token: number;
  renditions: string[];
  units: number;
  /** First GOP it encodes, and the last one complete; -1 before the first. */
  fromGop: number;
  lastEncodedGop: number;
  lastPublishedGop: number;
  /** True once it has warmed up and stands near the live edge, so that a commit needs no waiting. */
  ready: boolean;
  failure?: { code: string; message: string };
  /** Media seconds encoded per wall second over the last GOP; 1 or more keeps up. */
  realTimeRatio: number;
  lateGops: number;
  /** Cores that its encode used since the measurement before; absent where the host does not tell. */
  cpuCores?: number;
}

/** Measurements of one encoder host at one moment. */
export interface EncoderTelemetry {
  atMs: number;
  /** Cores in use by the host and its ffmpeg processes. */
  cpuCores: number;
  memoryMiB: number;
  networkKbps: number;
  unitsUsed: number;
  sessions: SessionInfo[];
}

/** An encoder as the control cycle sees it. One that did not answer has `reachable: false` and no telemetry. */
export interface EncoderObservation extends EncoderInfo {
  reachable: boolean;
  cordoned: boolean;
  /** Draining: cordoned, and its channels are being moved away. */
  draining: boolean;
  telemetry?: EncoderTelemetry;
  /** The catalogue's build with its digest, and that build's compatibility class; absent where unknown. */
  buildId?: string;
  compatibilityClass?: string;
  /** Why it takes no work yet although nobody has cordoned it; absent: it does. */
  heldBack?: string;
  /** Crashes and failed handoffs, each decayed by half every 10 minutes. */
  troubles: number;
}
