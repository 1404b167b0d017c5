import { z } from 'zod';
import { idSchema } from './channel';

/** One value of a channel's audience. */
export const audienceRowSchema = z.object({
  atMs: z.int().min(0).describe('wall clock, milliseconds since 1970'),
  channelId: idSchema,
  viewers: z.number().min(0).max(1e12),
  region: idSchema,
});
export type AudienceRow = z.infer<typeof audienceRowSchema>;
