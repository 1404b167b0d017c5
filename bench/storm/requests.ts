import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  channelControl,
  channelWorkflowId,
  failureOf,
  fromFailureFields,
  type MoveRequest,
  type MoveResult,
} from '../../src/domain';
import type { Answer } from './judge';

/** No answer within this time, with worker and server alive, is none at all. */
const ANSWER_LIMIT_MS = 180_000;
const ASK_AGAIN_MS = 200;

/** A request that the channel's workflow refused before any move began. */
const refusedAnswer = (failure: unknown): Answer => {
  const code = failure instanceof ApplicationFailure ? fromFailureFields(failure).code : 'internal';
  return { outcome: 'refused', workflowId: null, code, message: (failure as Error).message };
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
      const result = await client.withDeadline(deadline, () =>
        handle.executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { updateId, args: [request] }),
      );
      const { outcome, workflowId } = result;
      const { code = null, message = null } = failureOf(result) ?? {};
      return { outcome, workflowId, code, message };
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) return refusedAnswer(error.cause);
      await sleep(ASK_AGAIN_MS);
    }
  }
  return null;
};
