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

/** The same rows without those whose time, channel and region come again later: of these the last one counts. */
export const withoutRepeats = <T extends Pick<AudienceRow, 'atMs' | 'channelId'> & { region?: string }>(
  rows: readonly T[],
): T[] => [...new Map(rows.map((row) => [`${row.atMs} ${row.channelId} ${row.region ?? ''}`, row])).values()];
