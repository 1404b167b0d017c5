import { z } from 'zod';
import { channelInputSchema, channelSpecSchema, idSchema, policySchema } from '../domain';

/** Shapes of the API's requests. The answers are in answer-schemas.ts. */

/** A new channel: only the id is needed, all else comes from the default channel. */
export const addChannelSchema = channelSpecSchema
  .partial()
  .required({ id: true })
  .extend({ input: channelInputSchema.optional() })
  .strict();
export type AddChannel = z.infer<typeof addChannelSchema>;

export const handoffSchema = z
  .object({
    encoderId: idSchema.optional().describe('Target; absent: the fittest encoder with room is chosen.'),
    rungs: z.int().min(1).max(8).optional().describe('Rungs to encode after the move; absent: as now.'),
    requestId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional()
      .describe('Names the request: the same id twice is one request.'),
  })
  .strict();

/** POST without parameters: `{}` or no body. */
export const emptySchema = z.object({}).strict();

export const limitSchema = z.object({ limit: z.coerce.number().int().min(1).max(200).default(20) });

/** A channel id, or a workflow id such as `handoff/ch-1/7`. */
export const subjectSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9/_.:-]{0,199}$/, 'use a channel id or a workflow id');

export { idSchema, policySchema };
