import { z } from 'zod';
import { httpStatusOf, idSchema, type ErrorBody, type ErrorCode } from '../../domain';

/** Wall clock, milliseconds since 1970. */
export const ms = (what: string) => z.number().describe(`${what}; wall clock, milliseconds since 1970`);

/** A part of the path that names a channel, an encoder, an event, a model or a build. */
export const idParams = z.object({ id: idSchema });

/** The body of a command without parameters: `{}`, or no body. */
export const emptySchema = z.strictObject({});

export const reasonSchema = z.string().min(1).max(300).optional().describe('Why, in words, for the audit.');

/** The body of a command whose only parameter is why it is asked for; no body is taken as `{}`. */
export const commandSchema = z.strictObject({ reason: reasonSchema });

const errorCodes = Object.keys(httpStatusOf) as [ErrorCode, ...ErrorCode[]];

/** Body of every refusal. */
export const errorSchema = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    hint: z.string().optional().describe('what to do about it'),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
}) satisfies z.ZodType<ErrorBody>;

export const missingSchema = z.object({
  part: z.string().describe('what could not be asked'),
  code: z.string(),
  message: z.string(),
});
export type Missing = z.infer<typeof missingSchema>;
