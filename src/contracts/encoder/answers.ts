import { z } from 'zod';
import {
  digestSchema,
  measuredCapacitySchema,
  sessionStateSchema,
  type EncoderInfo,
  type EncoderTelemetry,
  type SessionInfo,
  type SessionState,
} from '../../domain';
import { cutTo } from '../../domain/words';

/**
 * The answers of protos/encoder.proto as proto-loader gives them (`z.input`: what a host answers) and as the rest of the
 * program knows them (`z.output`).
 */

/** A host is a third party: what it says at length is cut, and a name that is none is refused. */
const MOST_TEXT = 500;
const MOST_NAME = 128;
const text = z.string().transform((given) => cutTo(MOST_TEXT, given));
const name = z.string().min(1).max(MOST_NAME);

const amount = z.number().finite().min(0);
/** What no machine carries: a host that claims more would draw every channel. */
const MOST_UNITS = 1_000;
const MOST_SESSIONS = 1_000;
const gopOrNone = z.int().min(-1);
const stateOnTheWire = (state: SessionState): Uppercase<SessionState> =>
  state.toUpperCase() as Uppercase<SessionState>;

const sessionFields = z.object({
  sessionId: name,
  channelId: z.string().max(MOST_NAME),
  state: z.enum(sessionStateSchema.options.map(stateOnTheWire)),
  token: z.int().min(0),
  renditions: z.array(name),
  units: amount,
  fromGop: z.int().min(0),
  lastEncodedGop: gopOrNone,
  lastPublishedGop: gopOrNone,
  ready: z.boolean(),
  failureCode: z.string().max(MOST_NAME),
  failureMessage: text,
  realTimeRatio: amount,
  lateGops: z.int().min(0),
  cpuCores: amount,
  /** Version 2. */
  speeds: z.array(z.object({ rendition: name, realTimeRatio: amount })).optional(),
  publishingForMs: amount.nullish(),
});

const toSessionInfo = (answer: z.output<typeof sessionFields>): SessionInfo => {
  const { state, failureCode, failureMessage, cpuCores, speeds, publishingForMs, ...rest } = answer;
  return {
    ...rest,
    ...(speeds && speeds.length > 0 && { speeds }),
    ...(cpuCores > 0 && { cpuCores }),
    ...(typeof publishingForMs === 'number' && { publishingForMs }),
    state: state.toLowerCase() as SessionState,
    ...(failureCode !== '' && { failure: { code: failureCode, message: failureMessage } }),
  };
};

export const sessionAnswerSchema = sessionFields.transform(toSessionInfo);

/** Answer to PrepareSession, which alone carries the digest of the session's secret. */
export const preparedAnswerSchema = sessionFields
  .extend({ secretSha256: z.union([digestSchema, z.literal('')]).optional() })
  .transform(({ secretSha256, ...session }): PreparedSession => ({
    ...toSessionInfo(session),
    ...(secretSha256 && { secretSha256 }),
  }));

/** `secretSha256`: what the origin grants the channel with; absent: a host whose sessions have no secrets. */
export type PreparedSession = SessionInfo & { secretSha256?: string };

/** Message `Session` as a host answers it. */
export type WireSession = z.input<typeof sessionAnswerSchema>;
export type WirePreparedSession = z.input<typeof preparedAnswerSchema>;

export const toWireSession = ({ state, failure, ...rest }: SessionInfo): WireSession => ({
  ...rest,
  state: stateOnTheWire(state),
  failureCode: failure?.code ?? '',
  failureMessage: failure?.message ?? '',
  cpuCores: rest.cpuCores ?? 0,
});

/** Answer to the release of a session that the host does not know: released long ago, or never there. */
export const releasedSession = (sessionId: string): WireSession => ({
  sessionId,
  channelId: '',
  state: 'RELEASED',
  token: 0,
  renditions: [],
  units: 0,
  fromGop: 0,
  lastEncodedGop: -1,
  lastPublishedGop: -1,
  ready: false,
  failureCode: '',
  failureMessage: '',
  realTimeRatio: 0,
  lateGops: 0,
  cpuCores: 0,
});

export const telemetryAnswerSchema = z
  .object({
    atMs: amount,
    cpuCores: amount,
    memoryMib: amount,
    networkKbps: amount,
    unitsUsed: amount,
    sessions: z.array(sessionAnswerSchema),
  })
  .transform(({ memoryMib, ...rest }): EncoderTelemetry => ({ memoryMiB: memoryMib, ...rest }));

export const describeAnswerSchema = z
  .object({
    encoderId: name,
    region: name,
    zone: name,
    version: name,
    ffmpegVersion: z.string().min(1).pipe(text),
    capacityUnits: amount.gt(0).transform((claimed) => Math.min(claimed, MOST_UNITS)),
    maxSessions: z
      .int()
      .min(1)
      .transform((claimed) => Math.min(claimed, MOST_SESSIONS)),
    buildDigest: z.union([digestSchema, z.literal('')]).optional(),
    /** Version 2, as what follows. A host that says none of it is one of version 1. */
    codecs: z.array(z.object({ codec: name, pixelFormats: z.array(name) })).optional(),
    passedTracks: z.array(name).optional(),
    hardware: z.array(name).optional(),
    measuredCapacity: measuredCapacitySchema.nullish(),
    hasSessionSecrets: z.boolean().optional(),
  })
  .transform((answer): Omit<EncoderInfo, 'grpcAddress'> => {
    const { encoderId, buildDigest, measuredCapacity, hasSessionSecrets, ...rest } = answer;
    return {
      id: encoderId,
      ...rest,
      ...(buildDigest && { buildDigest }),
      ...(measuredCapacity && { measuredCapacity }),
      ...(hasSessionSecrets && { hasSessionSecrets }),
    };
  });

export type WireTelemetry = z.input<typeof telemetryAnswerSchema>;
export type WireDescription = z.input<typeof describeAnswerSchema>;
