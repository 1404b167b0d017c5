import { z } from 'zod';
import { buildSourceSchema, digestSchema, idSchema, versionsStateSchema } from '../../domain';

/** Words that stand for something else in the paths below /versions. */
const RESERVED_IDS = /^(?!(?:target|pins)$)/;

export const addBuildSchema = z.strictObject({
  id: idSchema.regex(RESERVED_IDS, 'target and pins are reserved'),
  source: buildSourceSchema,
  digest: digestSchema
    .optional()
    .describe('SHA-256 of the ffmpeg: required of a container image, else it must be the one found.'),
});
export const targetSchema = z.strictObject({
  buildId: idSchema.nullable().describe('null: no target, every encoder runs what it runs.'),
});
export const targetSetSchema = z.object({ targetBuildId: z.string().nullable() });
export const pinSchema = z.strictObject({ buildId: idSchema });
export const pinnedSchema = z.object({ channelId: z.string(), buildId: z.string() });

export const runningVersionSchema = z.object({
  encoderId: z.string(),
  buildDigest: z.string().nullable().describe('null: it does not answer, or does not tell.'),
  buildId: z.string().nullable().describe('null: not in the catalogue.'),
  inLine: z.boolean().nullable().describe('null: there is no target, or its build is not known.'),
});
export type RunningVersion = z.infer<typeof runningVersionSchema>;

export const versionsSchema = versionsStateSchema.extend({ encoders: z.array(runningVersionSchema) });
export type Versions = z.infer<typeof versionsSchema>;
