import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import {
  channelControl,
  channelWorkflowId,
  fromFailureFields,
  moveOutcomeSchema,
  type MoveRequest,
  type MoveResult,
} from '../../src/domain';
import type { Answer } from './judge';

/** No answer within this time, with worker and server alive, is none at all. */
const ANSWER_LIMIT_MS = 180_000;
const ASK_AGAIN_MS = 200;

const refusalDetailsSchema = z.object({
  outcome: moveOutcomeSchema.default('refused'),
  workflowId: z.string().nullable().default(null),
});

/** What a refusal by the channel's workflow tells: its code, and the saga's outcome where one had begun. */
const refusedAnswer = (failure: unknown): Answer => {
  const refusal = failure instanceof ApplicationFailure ? failure : null;
  const { code, details } = refusal ? fromFailureFields(refusal) : { code: 'internal', details: {} };
  const { outcome, workflowId } = refusalDetailsSchema.parse(details ?? {});
  return { outcome, workflowId, code, message: (failure as Error).message };
};

/**
 * Asks a channel for a handoff, and again with the same Update id while the server or the way to it fails.
 * @returns null without an answer
 */
export const askForHandoff = async (
  client: Client,
  channelId: string,
  updateId: string,
  request: MoveRequest,
): Promise<Answer | null> => {
  const handle = client.workflow.getHandle(channelWorkflowId(channelId));
  const deadline = Date.now() + ANSWER_LIMIT_MS;
  while (Date.now() < deadline) {
    try {
      const { outcome, workflowId } = await client.withDeadline(deadline, () =>
        handle.executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { updateId, args: [request] }),
      );
      return { outcome, workflowId, code: null, message: null };
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) return refusedAnswer(error.cause);
      await sleep(ASK_AGAIN_MS);
    }
  }
  return null;
};
