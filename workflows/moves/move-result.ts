import { workflowInfo } from '@temporalio/workflow';
import type { MoveOutcome, MoveResult, Owner } from '../../src/domain';
import { upsertAttributes } from '../kit/attributes';
import type { Cause } from '../kit/failures';
import type { Story } from '../kit/story';
import type { MoveInput } from '../kit/types';

/** A result with nothing done yet. Token 0: the owner at the origin is not known. */
export const emptyResult = ({
  spec,
  rungs,
  request,
}: MoveInput<Pick<MoveResult, 'reason' | 'requestedAtMs'>>): MoveResult => {
  const { workflowId, runId } = workflowInfo();
  return {
    channelId: spec.id,
    workflowId,
    runId,
    reason: request.reason,
    outcome: 'unresolved',
    fromEncoderId: null,
    toEncoderId: null,
    ownerEncoderId: null,
    ownerSessionId: null,
    token: 0,
    rungs,
    firstGop: null,
    requestedAtMs: request.requestedAtMs,
    preparedAtMs: null,
    committedAtMs: null,
    publishedAtMs: null,
    releasedAtMs: null,
    finishedAtMs: 0,
    overlapGops: null,
    gapsDeclared: 0,
    steps: [],
  };
};

export const setOwner = (result: MoveResult, owner: Owner | null, token: number): void => {
  result.ownerEncoderId = owner?.encoderId ?? null;
  result.ownerSessionId = owner?.sessionId ?? null;
  result.token = token;
};

/** Ends a result: outcome and failure, also as search attribute and as the last line of the story. */
export const finish = (
  result: MoveResult,
  story: Story,
  outcome: MoveOutcome,
  failure?: Pick<Cause, 'code' | 'message'>,
): MoveResult => {
  const why = failure ? ` — ${failure.code}: ${failure.message}` : '';
  story.say(`**${outcome}**: ${result.channelId} on ${result.ownerEncoderId ?? 'no encoder'}${why}`);
  upsertAttributes({ outcome });
  const finishedAtMs = Math.max(Date.now(), ...story.steps.map((step) => step.finishedAtMs));
  return {
    ...result,
    outcome,
    finishedAtMs,
    steps: story.steps,
    ...(failure && { failure: { code: failure.code, message: failure.message } }),
  };
};

/** Session ids are new for every run and attempt: a host may remember old ones. */
export const sessionIdOf = (channelId: string, attempt: number): string => {
  const { workflowId, runId } = workflowInfo();
  const move = workflowId.split('/').pop() ?? '0';
  return `${channelId}-${move}-${attempt}-${runId.slice(-8)}`;
};
