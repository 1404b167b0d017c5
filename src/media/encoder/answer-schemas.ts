import { z } from 'zod';
import { digestSchema, type EncoderInfo, type EncoderTelemetry, type SessionInfo } from '../../domain';

const amount = z.number().finite().min(0);
const gopOrNone = z.int().min(-1);

export const sessionAnswerSchema = z
  .object({
    sessionId: z.string().min(1),
    channelId: z.string(),
    state: z.enum(['STARTING', 'HOLDING', 'PUBLISHING', 'FENCED', 'FAILED', 'RELEASED']),
    token: z.int().min(0),
    renditions: z.array(z.string().min(1)),
    units: amount,
    fromGop: z.int().min(0),
    lastEncodedGop: gopOrNone,
    lastPublishedGop: gopOrNone,
    ready: z.boolean(),
    failureCode: z.string(),
    failureMessage: z.string(),
    realTimeRatio: amount,
    lateGops: z.int().min(0),
    cpuCores: amount,
  })
  .transform(({ state, failureCode, failureMessage, cpuCores, ...rest }): SessionInfo => ({
    ...rest,
    ...(cpuCores > 0 && { cpuCores }),
    state: state.toLowerCase() as SessionInfo['state'],
    ...(failureCode !== '' && { failure: { code: failureCode, message: failureMessage } }),
  }));

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
    encoderId: z.string().min(1),
    region: z.string().min(1),
    zone: z.string().min(1),
    version: z.string().min(1),
    ffmpegVersion: z.string().min(1),
    capacityUnits: amount.gt(0),
    maxSessions: z.int().min(1),
    buildDigest: z.union([digestSchema, z.literal('')]).optional(),
  })
  .transform(({ encoderId, buildDigest, ...rest }): Omit<EncoderInfo, 'grpcAddress'> => ({
    id: encoderId,
    ...rest,
    ...(buildDigest && { buildDigest }),
  }));
