import { z } from 'zod';
import { idSchema } from './channel';

/** Something known to come that draws an audience: a match, a premiere, a planned channel's launch. */
export const knownEventSchema = z.object({
  id: idSchema,
  title: z.string().min(1).max(200),
  /** Channels that it concerns; empty: all of the region, or of the cell. */
  channelIds: z.array(idSchema).max(1000).default([]),
  region: idSchema.optional(),
  /** Wall clock, milliseconds since 1970. */
  startsAtMs: z.int().min(0),
  endsAtMs: z.int().min(0),
  /** How much it draws, relative to others of its kind: 1 is usual. The models learn what that is worth. */
  level: z.number().gt(0).max(1000).default(1),
});
export type KnownEvent = z.infer<typeof knownEventSchema>;
