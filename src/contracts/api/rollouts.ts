import { z } from 'zod';
import { rolloutRequestSchema } from '../../domain';

export const startRolloutSchema = rolloutRequestSchema
  .omit({ requestedBy: true })
  .extend({
    requestId: rolloutRequestSchema.shape.requestId
      .optional()
      .describe('Names the request: the same id twice is one request.'),
  })
  .strict();
export const decisionSchema = z.strictObject({ decision: z.enum(['continue', 'roll-back']) });
