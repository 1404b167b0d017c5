import { ParentClosePolicy, executeChild } from '@temporalio/workflow';
import type { MoveRequest, MoveResult, RecoverRequest } from '../../src/domain';
import { attributes } from '../kit/attributes';
import { WORKFLOW_TASK_TIMEOUT } from '../kit/steps';
import type { MoveInput } from '../kit/types';
import { handoff } from './handoff';
import { recovery } from './recovery';

/** Runs a handoff as a workflow of its own, and waits for its end. */
export const startHandoff = (
  input: MoveInput<MoveRequest>,
  run: { workflowId: string; summary: string; ownerEncoderId: string | null },
): Promise<MoveResult> => {
  const { cell, request, spec } = input;
  const encoder = request.toEncoderId ?? run.ownerEncoderId;
  return executeChild(handoff, {
    workflowId: run.workflowId,
    args: [input],
    staticSummary: run.summary,
    staticDetails: request.explanation?.summary ?? `Asked for by ${request.requestedBy}.`,
    typedSearchAttributes: attributes({
      cell,
      channel: spec.id,
      reason: request.reason,
      ...(encoder && { encoder }),
    }),
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  });
};

/** Runs a recovery as a workflow of its own, and waits for its end. */
export const startRecovery = (
  input: MoveInput<RecoverRequest>,
  run: { workflowId: string; summary: string },
): Promise<MoveResult> => {
  const { cell, request, spec } = input;
  const { reason, lostEncoderId, evidence } = request;
  return executeChild(recovery, {
    workflowId: run.workflowId,
    args: [input],
    staticSummary: run.summary,
    ...(evidence && { staticDetails: evidence }),
    typedSearchAttributes: attributes({
      cell,
      channel: spec.id,
      reason,
      ...(lostEncoderId && { encoder: lostEncoderId }),
    }),
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  });
};
