import { z } from 'zod';
import { rolloutRequestSchema, rolloutStateSchema, verdictSchema } from '../../domain';

export const startRolloutSchema = rolloutRequestSchema
  .omit({ requestedBy: true })
  .extend({
    requestId: rolloutRequestSchema.shape.requestId
      .optional()
      .describe('Names the request: the same id twice is one request.'),
  })
  .strict();
/** The rollout under way, or the last one. */
export const rolloutSchema = rolloutStateSchema.extend({
  verdict: verdictSchema
    .extend({ summary: z.string().describe('one sentence for people, without its full stop') })
    .nullable(),
});
export type Rollout = z.infer<typeof rolloutSchema>;

export const decisionSchema = z.strictObject({ decision: z.enum(['continue', 'roll-back']) });
