import { z } from 'zod';
import type { ChannelSpec } from './channel';
import { moveExplanationSchema, moveReasonSchema, type MoveExplanation, type MoveReason } from './plan';

/** Request to move a running channel, as the channel workflow takes it. */
export interface MoveRequest {
  /** Names the request; the same id twice is one request. */
  requestId: string;
  reason: MoveReason;
  /** Absent: the fittest compatible encoder with room is chosen. */
  toEncoderId?: string;
  /** Rungs of the ladder to encode after the move; absent: as now. */
  rungs?: number;
  /** The channel's ladder is another than what is on air: its owner may be the target with as many rungs, too. */
  otherLadder?: boolean;
  requestedBy: string;
  requestedAtMs: number;
  explanation?: MoveExplanation;
}

const atMs = z.number();
const atMsOrNull = z.number().nullable();

export const moveStepSchema = z.object({
  name: z.string(),
  startedAtMs: atMs,
  finishedAtMs: atMs,
  ok: z.boolean(),
  note: z.string().optional(),
});
export type MoveStep = z.infer<typeof moveStepSchema>;

/** How a handoff or recovery ended. */
export const moveOutcomeSchema = z.enum(['completed', 'compensated', 'recovered', 'refused', 'unresolved']);
export type MoveOutcome = z.infer<typeof moveOutcomeSchema>;

/** A typed failure in a result. */
export const failureSchema = z.object({ code: z.string(), message: z.string() });

/** Result of a handoff or recovery workflow. Times are wall-clock milliseconds. */
export const moveResultSchema = z.object({
  channelId: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  reason: moveReasonSchema,
  outcome: moveOutcomeSchema,
  fromEncoderId: z.string().nullable(),
  toEncoderId: z.string().nullable(),
  ownerEncoderId: z.string().nullable().describe('owner after the move'),
  ownerSessionId: z.string().nullable(),
  token: z.number(),
  rungs: z.number(),
  firstGop: z.number().nullable().describe('first GOP that the new owner published'),
  requestedAtMs: atMs,
  preparedAtMs: atMsOrNull,
  committedAtMs: atMsOrNull,
  publishedAtMs: atMsOrNull,
  releasedAtMs: atMsOrNull,
  finishedAtMs: atMs,
  overlapGops: z.number().nullable().describe('time that both encoders worked on the channel, in GOPs'),
  gapsDeclared: z.number(),
  steps: z.array(moveStepSchema),
  failure: failureSchema.optional(),
  explanation: moveExplanationSchema.optional(),
});
export type MoveResult = z.infer<typeof moveResultSchema>;

/** State of a channel's entity workflow, as its `state` query answers. */
export interface ChannelWorkflowState {
  spec: ChannelSpec;
  status: 'starting' | 'on-air' | 'moving' | 'recovering' | 'off-air' | 'removing' | 'removed';
  ownerEncoderId: string | null;
  ownerSessionId: string | null;
  token: number;
  rungs: number;
  moves: number;
  movedAtMs: number | null;
  lastMove: MoveResult | null;
  detail: string;
}
