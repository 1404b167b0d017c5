import { z } from 'zod';
import { idSchema } from './channel';
import { renditionSchema } from './rendition';

/** One value of a channel's audience. */
export const audienceRowSchema = z.object({
  atMs: z.int().min(0).describe('wall clock, milliseconds since 1970'),
  channelId: idSchema,
  viewers: z.number().min(0).max(1e12),
  region: idSchema,
});
export type AudienceRow = z.infer<typeof audienceRowSchema>;

/** The same rows without those whose time, channel and region come again later: of these the last one counts. */
export const withoutRepeats = <T extends Pick<AudienceRow, 'atMs' | 'channelId'> & { region?: string }>(
  rows: readonly T[],
): T[] => [...new Map(rows.map((row) => [`${row.atMs} ${row.channelId} ${row.region ?? ''}`, row])).values()];

/** Viewers of a rendition of a channel in a region at one moment. */
export const viewerCountSchema = z.object({
  channelId: idSchema,
  rendition: renditionSchema.shape.name
    .nullable()
    .describe('what was asked for last; null: nothing but sound was'),
  region: z.union([idSchema, z.literal('')]).describe('empty: it is not known'),
  viewers: z.int().min(0),
});
export type ViewerCount = z.infer<typeof viewerCountSchema>;

/** Who was given something in the last seconds (src/audience), sums without names. */
export const audienceSeenSchema = z.object({
  atMs: z.number(),
  viewers: z.array(viewerCountSchema),
});
export type AudienceSeen = z.infer<typeof audienceSeenSchema>;
