import { z } from 'zod';
import {
  declaredGapSchema,
  gopNumberSchema,
  ownAnswerSchema,
  ownRequestSchema,
  ownerSchema,
  tokenSchema,
  type LedgerEntry,
} from '../../contracts/origin';
import { digestSchema, frameRateSchema, spliceSchema } from '../../domain';

/** Shapes of what the origin keeps on disk, checked when it starts. Wall-clock times: milliseconds since 1970. */

/** A whole number in a URL or header. */
export const wholeNumberSchema = z
  .string()
  .regex(/^\d{1,16}$/, 'use a whole number')
  .transform(Number);
const answeredRequestSchema = z.object({ request: ownRequestSchema, answer: ownAnswerSchema });

/** What is decided of a channel's ownership: see ownership.ts, which has its rules. */
export const ownershipSchema = z.object({
  /** Fencing token in force; 0 before the first owner. */
  token: tokenSchema,
  /** Who holds the token; null: nobody may publish. */
  owner: ownerSchema.nullable(),
  /** First GOP that is neither published nor declared a gap. */
  nextGop: gopNumberSchema,
  hasPublished: z.boolean(),
  /** GOPs declared a gap since the channel was added. */
  gapsDeclared: z.int().min(0),
  lastGap: declaredGapSchema.nullable(),
  /** The first GOP published from here on goes with a discontinuity in front of it; null: none was declared. */
  discontinuityAt: gopNumberSchema.nullable().default(null),
  /** The latest ownership requests with their answers, oldest first; at most REMEMBERED_REQUESTS. */
  requests: z.array(answeredRequestSchema),
  /** Hex SHA-256 of the secret that the owner shows with each GOP; null: it has none to show. */
  ownerSecretSha256: digestSchema.nullable().default(null),
});
export type OwnershipState = z.infer<typeof ownershipSchema>;

/** `channel.json`: the durable record of a channel. One that was removed stays, so that its token never goes down. */
export const channelRecordSchema = z.object({
  onAir: z.boolean(),
  gopDurationTicks: z.int().min(1),
  framesPerSecond: frameRateSchema,
  ownership: ownershipSchema,
});
export type ChannelRecord = z.infer<typeof channelRecordSchema>;

/** `removed.json` of an origin: the highest token that a removed channel had. A channel of any name begins there. */
export const removedRecordSchema = z.object({ highestToken: tokenSchema });

export const renditionRecordSchema = z.object({
  name: z.string(),
  bytes: z.int().min(1),
  sha256: z.string(),
  widthPx: z.int(),
  heightPx: z.int(),
  /** CODECS of RFC 6381, such as `avc1.4d401e,mp4a.40.2` or `hvc1.1.6.L93.90`. */
  codecs: z.string(),
  /** High dynamic range; absent: standard, or not known. */
  videoRange: z.enum(['PQ', 'HLG']).optional(),
  /** Hash of SPS and PPS: where it changes, a decoder must start anew. */
  parameterSets: z.string(),
  /** 2 or 3: it holds every second or third picture of its GOPs; absent: all. */
  frameRateDivisor: z.int().min(1).optional(),
  /** Bytes of the pictures alone, without sound and transport; absent in records of older releases. */
  videoBytes: z.int().min(1).optional(),
  /**
   * The pieces of the segment after the first one, for each of the record's `cutTicks` one: the byte at which it begins,
   * and channel time of its first picture (of half the pictures, maybe the next one).
   */
  cuts: z.array(z.object({ byte: z.int().min(1), ticks: z.int().min(0) })).optional(),
});
export type RenditionRecord = z.infer<typeof renditionRecordSchema>;

/** A track of sound of a GOP: see SoundFormat of the packaging. */
export const soundRecordSchema = z.object({
  /** Its place in the programme map among the tracks of sound, from 1. */
  track: z.int().min(1),
  /** Bytes of its elementary stream; 0: the GOP has none of it, and the rest is that of the GOP before. */
  bytes: z.int().min(0),
  /** The same by piece, where the GOP is cut. */
  pieceBytes: z.array(z.int().min(0)).optional(),
  codecs: z.string(),
  language: z.string().optional(),
  channels: z.int().min(1).optional(),
  configuration: z.string(),
});
export type SoundRecord = z.infer<typeof soundRecordSchema>;

/**
 * A stretch of a channel without a discontinuity, in which programme time goes on as channel time does: its first GOP,
 * and when that began on the wall clock.
 */
export const periodSchema = z.object({ gop: gopNumberSchema, startMs: z.int() });
export type Period = z.infer<typeof periodSchema>;

/** A splice of a GOP, with its times on the channel's wall clock: they are told once, and stay. */
export const recordedSpliceSchema = spliceSchema.extend({
  startMs: z.number(),
  endMs: z.number().optional(),
});
export type RecordedSplice = z.infer<typeof recordedSpliceSchema>;

/** One line of `ledger.jsonl`: a GOP that was published, or (with `gapReason`) that never will be. */
export const ledgerRecordSchema = z.object({
  gop: gopNumberSchema,
  token: tokenSchema,
  encoderId: z.string().nullable(),
  sessionId: z.string().nullable(),
  publishedAtMs: z.number(),
  sealedAtMs: z.number().nullable(),
  /** In the order in which their segments follow each other in the GOP's file. */
  renditions: z.array(renditionRecordSchema),
  gapReason: z.string().optional(),
  /** Wall-clock time of the GOP's first frame, for EXT-X-PROGRAM-DATE-TIME. */
  programDateTimeMs: z.number(),
  /** Discontinuities of the channel so far, with one before this GOP counted. */
  discontinuities: z.int().min(0),
  /** Tracks of sound, of which all renditions have the same; absent in records of older releases. */
  sound: z.array(soundRecordSchema).optional(),
  /** See periodOf of timeline.ts, which also knows it where a record of an older release lacks it. */
  period: periodSchema.optional(),
  /** Channel times at which its segments are cut, in all renditions alike; absent: they are whole. */
  cutTicks: z.array(z.int().min(0)).optional(),
  /** Cuts in all GOPs before it: by so many its media sequence number is above that of the GOP. */
  cutsBefore: z.int().min(0).optional(),
  /** Breaks that are on at some time in it, and marks of it. */
  splices: z.array(recordedSpliceSchema).optional(),
});
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;

/** A line of the ledger as the origin answers it. */
export const toLedgerEntry = (r: LedgerRecord): LedgerEntry => ({
  gop: r.gop,
  token: r.token,
  encoderId: r.encoderId,
  sessionId: r.sessionId,
  publishedAtMs: r.publishedAtMs,
  sealedAtMs: r.sealedAtMs,
  delayMs: r.sealedAtMs === null ? null : r.publishedAtMs - r.sealedAtMs,
  renditions: r.renditions.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
  ...(r.gapReason !== undefined && { gapReason: r.gapReason }),
});
