import { z } from 'zod';
import { backEndInUseSchema, manifestSchema } from '../model-manifest';

export const modelsSchema = z.object({
  inUse: z.string().nullable(),
  backEnd: backEndInUseSchema.nullable(),
  models: z.array(manifestSchema).describe('the newest first; refused ones too'),
  damaged: z.array(z.object({ id: z.string(), why: z.string() })),
});
export type Models = z.infer<typeof modelsSchema>;

export const retrainingSchema = z.object({
  scheduleId: z.string().describe('Temporal Schedule that begins the training'),
});
