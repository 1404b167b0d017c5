import { z } from 'zod';
import { TICKS_PER_SECOND } from './media-time';

/**
 * Ids appear in URLs, file names, workflow ids and metric tags: keep them plain. They are also keys of objects, and
 * `constructor` is the one name of this form that every object has already.
 */
export const idSchema = z
  .string()
  .regex(
    /^(?!constructor$)[a-z0-9][a-z0-9-]{0,40}$/,
    'use 1 to 41 of a-z, 0-9 and "-", beginning with a letter or digit, and not "constructor"',
  );

/** One encoded version of a channel. */
export const renditionSchema = z.object({
  name: z.string().regex(/^[a-z0-9]{1,16}$/),
  widthPx: z.int().min(16).max(7680).multipleOf(2),
  heightPx: z.int().min(16).max(4320).multipleOf(2),
  /** Constant rate factor of x264 (quality), capped by maxBitrateKbps. */
  crf: z.int().min(0).max(51),
  maxBitrateKbps: z.int().min(32).max(100_000),
});
export type Rendition = z.infer<typeof renditionSchema>;

/** Where a channel's contribution feed comes from. */
export const channelInputSchema = z.discriminatedUnion('kind', [
  /** A moving picture with channel, frame counter and HMAC burnt in; every frame can be checked. */
  z.object({ kind: z.literal('generated') }),
  /** A file (looped at real-time pace) or a live URL that ffmpeg reads. */
  z.object({
    kind: z.literal('url'),
    url: z.string().min(1).max(4096),
    /** Where `url` has secrets left out (see redact.ts): the source knows the whole one by this name. */
    secretRef: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional(),
  }),
]);
export type ChannelInput = z.infer<typeof channelInputSchema>;

/** Where a channel may be encoded. An absent field leaves that free. */
export const placementSchema = z.object({
  /** Channels of one group carry the same programme for each other: no two of them share a zone. */
  redundancyGroup: idSchema.optional(),
  /** Pins: only this encoder, only encoders of this zone, only encoders that run this build. */
  encoderId: idSchema.optional(),
  zone: idSchema.optional(),
  buildId: idSchema.optional(),
  /** Regions that may encode it besides its own, nearest to its audience first. */
  otherRegions: z.array(idSchema).max(16).optional(),
});
export type Placement = z.infer<typeof placementSchema>;

export const channelSpecSchema = z.object({
  id: idSchema,
  input: channelInputSchema,
  region: idSchema,
  framesPerSecond: z.int().min(1).max(120),
  gopDurationTicks: z
    .int()
    .min(TICKS_PER_SECOND / 2)
    .max(10 * TICKS_PER_SECOND),
  /** Smallest first; the first is always on air, the others follow the audience (see ladderFor). */
  ladder: z.array(renditionSchema).min(1).max(8),
  /** viewersPerRung[i]: with at least this many viewers, ladder[i + 1] is on air too. Ascending. */
  viewersPerRung: z.array(z.number().min(0)).max(7),
  placement: placementSchema.optional(),
});
export type ChannelSpec = z.infer<typeof channelSpecSchema>;

/** The picture size whose cost is one encode unit at 25 frames/s. */
export const UNIT_PIXELS_PER_SECOND = 320 * 180 * 25;

/** Cost of one rendition in encode units: proportional to its pixel rate. 320x180 at 25 frames/s is 1. */
export const renditionUnits = (r: Rendition, framesPerSecond: number): number =>
  (r.widthPx * r.heightPx * framesPerSecond) / UNIT_PIXELS_PER_SECOND;

/** Cost of a ladder in encode units. */
export const ladderUnits = (ladder: readonly Rendition[], framesPerSecond: number): number =>
  ladder.reduce((sum, r) => sum + renditionUnits(r, framesPerSecond), 0);

/** Number of rungs of a channel that an audience of this size deserves; at least 1. */
export const rungsFor = (spec: Pick<ChannelSpec, 'ladder' | 'viewersPerRung'>, viewers: number): number => {
  let earned = 0;
  for (const threshold of spec.viewersPerRung) if (viewers >= threshold) earned += 1;
  return Math.min(spec.ladder.length, 1 + earned);
};

/** The renditions that an audience of this size deserves. */
export const ladderFor = (
  spec: Pick<ChannelSpec, 'ladder' | 'viewersPerRung'>,
  viewers: number,
): Rendition[] => spec.ladder.slice(0, rungsFor(spec, viewers));

/** Encode units that a channel needs for an audience of this size. */
export const unitsForAudience = (
  spec: Pick<ChannelSpec, 'ladder' | 'viewersPerRung' | 'framesPerSecond'>,
  viewers: number,
): number => ladderUnits(ladderFor(spec, viewers), spec.framesPerSecond);
