import { z } from 'zod';
import { inputColourSchema } from './colour';
import { renditionUnits } from './encode-cost';
import { frameRateSchema, type FrameRate } from './frame-rate';
import { TICKS_PER_SECOND } from './media-time';
import { renditionFieldsSchema, type Rendition } from './rendition';
import { rungsFor } from './rungs';
import { standbySchema } from './standby';
import { timeZoneSchema } from './time-zone';
import { urlInputSchema } from './url-input';

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

/** The size of a generated picture where none is given. */
export const GENERATED_WIDTH_PX = 320;
export const GENERATED_HEIGHT_PX = 180;

export const generatedSoundSchema = z
  .enum(['mono', 'stereo', '5.1'])
  .describe('AAC of 48 kHz with a stamp, by which each sample can be checked; absent: no sound');
export type GeneratedSoundLayout = z.infer<typeof generatedSoundSchema>;

/** Whole pairs of pixels, as colours are coded for two by two. */
const generatedSide = (leastPx: number, mostPx: number, otherwisePx: number) =>
  z
    .int()
    .min(leastPx)
    .max(mostPx)
    .multipleOf(2, 'use an even number')
    .optional()
    .describe(`in pixels, even; ${otherwisePx} by default`);

/** Where a channel's contribution feed comes from. */
export const channelInputSchema = z.discriminatedUnion('kind', [
  /** A moving picture with channel, frame counter and HMAC burnt in; every frame can be checked. */
  z.object({
    kind: z.literal('generated'),
    // The least that holds a stamp (see media/stamp).
    widthPx: generatedSide(96, 3840, GENERATED_WIDTH_PX),
    heightPx: generatedSide(54, 2160, GENERATED_HEIGHT_PX),
    sound: generatedSoundSchema.optional(),
  }),
  urlInputSchema,
]);
export type ChannelInput = z.infer<typeof channelInputSchema>;

/** How many speakers a layout of generated sound has. */
export const speakersOf = (sound: GeneratedSoundLayout): number => ({ mono: 1, stereo: 2, '5.1': 6 })[sound];

/** What stamps channels carry, as the verifier asks: pictures of an input of one's own none, and sound where it is drawn. */
export const stampsOf = (
  channels: readonly { id: string; input?: ChannelInput | null | undefined }[],
): { unstampedChannels: string[]; speakers: Record<string, number> } => ({
  unstampedChannels: channels.filter(({ input }) => input?.kind === 'url').map(({ id }) => id),
  speakers: Object.fromEntries(
    channels.flatMap(({ id, input }) =>
      input?.kind === 'generated' && input.sound ? [[id, speakersOf(input.sound)]] : [],
    ),
  ),
});

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

/**
 * What becomes of interlaced pictures: kept as they are, one whole picture of each two fields, or one of each field. The
 * last is done once, by the source, as all that follow then have pictures of one kind.
 */
export const deinterlaceSchema = z
  .enum(['none', 'frame', 'field'])
  .describe(
    'of an interlaced input: frame makes one picture of each two fields, field one of each (the source encodes it); none, the default, keeps both',
  );
export type Deinterlace = z.infer<typeof deinterlaceSchema>;

export const inputPixelsPerSecondSchema = z
  .number()
  .gt(0)
  .max(1e12)
  .describe('of the contribution, which says how many threads decode it; absent where not known');

export const channelSpecSchema = z.object({
  id: idSchema,
  input: channelInputSchema,
  region: idSchema,
  framesPerSecond: frameRateSchema.describe('a whole number, or a fraction such as "30000/1001" (29.97)'),
  gopDurationTicks: z
    .int()
    .min(TICKS_PER_SECOND / 2)
    .max(10 * TICKS_PER_SECOND),
  deinterlace: deinterlaceSchema.optional(),
  inputPixelsPerSecond: inputPixelsPerSecondSchema.optional(),
  inputColour: inputColourSchema.optional(),
  /** Smallest first; the first is always on air, the others follow the audience (see ladderFor). */
  // What of a rendition does not go together is a conflict, not a bad field: see requireLadder.
  ladder: z.array(renditionFieldsSchema).min(1).max(8),
  /** viewersPerRung[i]: with at least this many viewers, ladder[i + 1] is on air too. Ascending. */
  viewersPerRung: z.array(z.number().min(0)).max(7),
  placement: placementSchema.optional(),
  standby: standbySchema.optional(),
  timeZone: timeZoneSchema.optional(),
});
export type ChannelSpec = z.infer<typeof channelSpecSchema>;

/** Cost of a ladder in encode units. */
export const ladderUnits = (ladder: readonly Rendition[], rate: FrameRate): number =>
  ladder.reduce((sum, r) => sum + renditionUnits(r, rate), 0);

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
