import { z } from 'zod';
import { failureSchema, idSchema, moveOutcomeSchema } from '../../domain';
import { ms, reasonSchema } from './common';

export const handoffSchema = z.strictObject({
  encoderId: idSchema.optional().describe('Target; absent: the fittest encoder with room is chosen.'),
  rungs: z.int().min(1).max(8).optional().describe('Rungs to encode after the move; absent: as now.'),
  requestId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional()
    .describe('Names the request: the same id twice is one request.'),
  reason: reasonSchema,
});
export type HandoffRequest = z.infer<typeof handoffSchema>;

/** Details of the refusal of a handoff that had begun. */
export const handoffRefusalSchema = z.object({
  outcome: moveOutcomeSchema,
  workflowId: z.string().describe('the run of the handoff'),
});
export type HandoffRefusal = z.infer<typeof handoffRefusalSchema>;

export const movesQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(20),
});

export const moveRecordSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  url: z.string().describe("the run in Temporal's UI"),
  kind: z.enum(['handoff', 'recovery']),
  channelId: z.string().nullable(),
  reason: z.string().nullable(),
  outcome: z.enum(['running', ...moveOutcomeSchema.options, 'failed']),
  fromEncoderId: z.string().nullable(),
  toEncoderId: z.string().nullable(),
  requestedAtMs: ms('asked for'),
  finishedAtMs: ms('ended').nullable(),
  requestToCommitMs: z.number().nullable(),
  overlapGops: z.number().nullable().describe('time that both encoders worked on the channel, in GOPs'),
  firstGop: z.number().nullable(),
  gapsDeclared: z.number().nullable(),
  summary: z.string().nullable(),
  failure: failureSchema.nullable(),
});
export type MoveRecord = z.infer<typeof moveRecordSchema>;

/** A channel id, or a workflow id such as `handoff/ch-1/7`. */
export const subjectParams = z.object({
  subject: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9/_.:-]{0,199}$/, 'use a channel id or a workflow id')
    .describe('channel id, or workflow id such as `handoff/ch-1/7`'),
});

/** One activity or child workflow of a run, in the order in which they were scheduled. */
export const runStepSchema = z.object({
  name: z.string(),
  startedAtMs: z.number(),
  finishedAtMs: z.number().nullable(),
  attempts: z.number(),
  /** Null while it runs. */
  ok: z.boolean().nullable(),
  note: z.string().optional(),
});
export type RunStep = z.infer<typeof runStepSchema>;

export const explanationSchema = z.object({
  subject: z.string(),
  kind: z.enum(['move', 'cycle', 'channel', 'workflow']),
  headline: z.string(),
  sections: z.array(z.object({ title: z.string(), lines: z.array(z.string()) })),
  workflowId: z.string().nullable(),
  runId: z.string().nullable(),
  url: z.string().nullable(),
  move: moveRecordSchema.nullable(),
  timeline: z.array(runStepSchema),
});
export type Explanation = z.infer<typeof explanationSchema>;
