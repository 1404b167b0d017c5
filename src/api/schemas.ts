import { z } from 'zod';
import { channelInputSchema, channelSpecSchema, idSchema, knownEventSchema, policySchema } from '../domain';

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

const MOST_EVENT_DAYS = 7;
const MOST_DAYS_AHEAD = 400;
const DAY_MS = 86_400_000;
/** The store keeps what is at most so old. */
const KEPT_DAYS = 30;

/** A known event. The schedule is of the weeks around now: farther off it would help no forecast. */
export const eventSchema = knownEventSchema
  .strict()
  .refine((e) => e.endsAtMs > e.startsAtMs, { path: ['endsAtMs'], message: 'must be after startsAtMs' })
  .refine((e) => e.endsAtMs - e.startsAtMs <= MOST_EVENT_DAYS * DAY_MS, {
    path: ['endsAtMs'],
    message: `at most ${MOST_EVENT_DAYS} days after startsAtMs; give longer ones day by day`,
  })
  .refine((e) => e.startsAtMs > Date.now() - (KEPT_DAYS - 1) * DAY_MS, {
    path: ['startsAtMs'],
    message: `at most ${KEPT_DAYS - 1} days ago: history goes back no further`,
  })
  .refine((e) => e.startsAtMs < Date.now() + MOST_DAYS_AHEAD * DAY_MS, {
    path: ['startsAtMs'],
    message: `at most ${MOST_DAYS_AHEAD} days ahead`,
  });

export const HISTORY_ROWS_AT_ONCE = 5_000;

export const historyImportSchema = z
  .object({
    rows: z
      .array(
        z
          .object({
            atMs: z.int().min(0).describe('wall clock, milliseconds since 1970'),
            channelId: idSchema,
            viewers: z.number().min(0).max(1e12),
            region: idSchema.optional().describe("absent: the channel's own"),
          })
          .strict(),
      )
      .min(1)
      .max(HISTORY_ROWS_AT_ONCE),
  })
  .strict();
export type HistoryImport = z.infer<typeof historyImportSchema>;

export const accuracyQuerySchema = z.object({
  steps: z.coerce.number().int().min(1).max(10_000).default(168),
});

export const whatIfQuerySchema = z.object({ channel: idSchema, encoder: idSchema });

export const whatIfSchema = z
  .object({
    placement: z
      .record(idSchema, idSchema)
      .refine((p) => Object.keys(p).length > 0, 'name at least one channel')
      .describe('encoder by channel; channels not named stay where they are'),
  })
  .strict();

export { idSchema, policySchema };
