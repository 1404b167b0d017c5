import { z } from 'zod';

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
  /** Encoders of its ffmpeg that ladders may name; absent: a host of version 1 of the contract, see whyNotEncodable. */
  codecs?: CodecAbility[] | undefined;
  /** Kinds of tracks beside the picture that it passes on untouched: "audio", "data". */
  passedTracks?: string[] | undefined;
  /** Kinds of hardware encoders that it is configured to use. */
  hardware?: string[] | undefined;
  /** What it found out of itself; absent where it does not measure. */
  measuredCapacity?: MeasuredCapacity | undefined;
  /** Its sessions prove at the origin that they are the owner; absent: a token and their names are all they show. */
  hasSessionSecrets?: boolean | undefined;
}

/** An encoder of ffmpeg that a host has, by ffmpeg's names. */
export interface CodecAbility {
  codec: string;
  pixelFormats: string[];
}

const countSchema = z.number().finite().min(0);

/** What a host found out of itself: encode units that it carries in real time, and how fast its encoders are. */
export const measuredCapacitySchema = z.object({
  units: countSchema,
  measuredAtMs: countSchema,
  speeds: z.array(
    z.object({
      codec: z.string().min(1).max(128),
      preset: z.string().max(128),
      widthPx: z.int().min(0),
      heightPx: z.int().min(0),
      pixelsPerCoreSecond: countSchema,
    }),
  ),
});
export type MeasuredCapacity = z.infer<typeof measuredCapacitySchema>;

/** The states of a session. `holding`: encodes and keeps its GOPs; `publishing`: owns the channel at the
 * origin; `fenced`: the origin refused its token, it keeps encoding and holding until released. */
export const sessionStateSchema = z.enum([
  'starting',
  'holding',
  'publishing',
  'fenced',
  'failed',
  'released',
]);
export type SessionState = z.infer<typeof sessionStateSchema>;

/** One encoder working on one channel. */
export const sessionInfoSchema = z.object({
  sessionId: z.string(),
  channelId: z.string(),
  state: sessionStateSchema,
  token: z.number().describe('fencing token that it publishes with; 0 while it has none'),
  renditions: z.array(z.string()),
  units: z.number(),
  fromGop: z.number().describe('first GOP that it encodes'),
  lastEncodedGop: z.number().describe('last GOP complete; -1 before the first'),
  lastPublishedGop: z.number(),
  ready: z.boolean().describe('warmed up and near the live edge, so that a commit needs no waiting'),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  realTimeRatio: z
    .number()
    .describe('media seconds encoded per wall second over the last GOP; 1 or more keeps up'),
  speeds: z
    .array(z.object({ rendition: z.string(), realTimeRatio: z.number() }))
    .optional()
    .describe('the same of each rendition by itself; absent where the host does not tell'),
  lateGops: z.number(),
  publishingForMs: z
    .number()
    .optional()
    .describe('since it was committed with its token; absent while it does not publish, or where the host does not tell'),
  cpuCores: z
    .number()
    .optional()
    .describe('cores that its encode used since the measurement before; absent where the host does not tell'),
});
export type SessionInfo = z.infer<typeof sessionInfoSchema>;

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
