import { z } from 'zod';
import { inputNameSchema } from '../domain';

/** What crosses the wire of channels with more than one input. Wall-clock times: milliseconds since 1970. */

/** What an operator has asked to have on air. */
export const standbyRequestSchema = z.object({
  input: inputNameSchema,
  requestedBy: z.string().max(100),
  atMs: z.number(),
});

/** Body of POST /channels/:id/switch. */
export const inputSwitchRequestSchema = standbyRequestSchema
  .extend({
    atMs: z.number().min(0).max(8.64e15).optional().describe('when, a moment to come; without it, now'),
  })
  .strict();
export type InputSwitchRequest = z.infer<typeof inputSwitchRequestSchema>;

/** Another input has gone on air. */
export const inputSwitchSchema = z.object({
  atMs: z.number(),
  from: z.string(),
  to: z.string(),
  cause: z.string().describe('a sentence'),
  requestedBy: z.string().optional(),
  gop: z.int().nullable().describe('the first of the other input; null: it has not begun yet'),
  framesMissing: z
    .int()
    .nullable()
    .describe('of the programme; null where the two inputs are not the same to the picture'),
});
export type InputSwitch = z.infer<typeof inputSwitchSchema>;

/** The inputs of a channel that has more than one, or a slate. */
export const standbyInfoSchema = z.object({
  onAir: z.string().nullable().describe('`primary`, `backup-1`, … or `slate`; null: none yet'),
  sinceMs: z.number(),
  cause: z.string().optional().describe('why it is on air in place of another one'),
  requested: standbyRequestSchema.optional(),
  inputs: z.array(
    z.object({
      name: z.string(),
      url: z.string(),
      isSound: z.boolean(),
      soundForSeconds: z.number(),
      why: z.string().optional().describe('why it is not sound'),
    }),
  ),
  switches: z.array(inputSwitchSchema).describe('the latest, oldest first'),
  planned: z
    .array(standbyRequestSchema)
    .default([])
    .describe('what is to go on air at a moment to come, the earliest first'),
});
export type StandbyInfo = z.infer<typeof standbyInfoSchema>;
