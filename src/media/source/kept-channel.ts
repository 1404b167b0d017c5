import { z } from 'zod';
import { sourceSpecSchema } from '../../contracts/source';
import { standbyRequestSchema } from '../../contracts/source-standby';
import { idSchema } from '../../domain';

/** Which input an operator has asked for. */
export type KeptWish = z.infer<typeof standbyRequestSchema>;

/** A channel as it is put. */
export const sourceChannelSpecSchema = sourceSpecSchema.extend({ id: idSchema });
export type SourceChannelSpec = z.infer<typeof sourceChannelSpecSchema>;

/** A channel as it is kept over a restart. */
export const keptChannelSchema = sourceChannelSpecSchema.extend({
  wish: standbyRequestSchema.optional(),
  planned: z.array(standbyRequestSchema).optional(),
});
export type KeptChannel = z.infer<typeof keptChannelSchema>;
