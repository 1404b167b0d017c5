import type { z } from 'zod';
import { sourceSpecSchema } from '../../contracts/source';
import { idSchema } from '../../domain';

/** A channel as it is kept over a restart. */
export const sourceChannelSpecSchema = sourceSpecSchema.extend({ id: idSchema });
export type SourceChannelSpec = z.infer<typeof sourceChannelSpecSchema>;
