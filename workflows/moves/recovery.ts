import { continueAsNew, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { ChannelFacts } from '../../activities';
import type { MoveResult, RecoverRequest } from '../../src/domain';
import { upsertAttributes } from '../kit/attributes';
import { causeOf, refusal } from '../kit/failures';
import { local8s } from '../kit/steps';
import { Story } from '../kit/story';
import type { RecoveryInput } from '../kit/types';
import { emptyResult, finish, setOwner } from './move-result';
import { takeOverElsewhere } from './take-over';

/** A late report must not take a channel from an owner that works. */
const refuseIfStale = (channelId: string, request: RecoverRequest, facts: ChannelFacts): void => {
  const { lostEncoderId, lostSessionId, reason } = request;
  if (facts.owner === null) return;
  const isLostOwner =
    reason !== 'start' &&
    (lostSessionId === null
      ? facts.owner.encoderId === lostEncoderId
      : facts.owner.sessionId === lostSessionId);
  if (isLostOwner) return;
  throw refusal(
    'conflict',
    `${channelId} is owned by session ${facts.owner.sessionId} on ${facts.owner.encoderId}, not by the lost one.`,
    'Nothing is to be done: the channel has another owner by now.',
    { owner: facts.owner, token: facts.token },
  );
};

/**
 * Unplanned move of a channel whose owner was lost, also its first placement. Fences the lost owner, starts at
 * the first missing GOP from the relay's ring, and tries one encoder after the other until one is on air.
 */
export const recovery = async (input: RecoveryInput): Promise<MoveResult> => {
  const { spec, request } = input;
  const { workflowId, runId } = workflowInfo();
  const { reason, lostEncoderId, evidence } = request;
  const result = emptyResult(input);
  result.fromEncoderId = lostEncoderId;
  const story = new Story(`${spec.id}: ${reason}${lostEncoderId ? ` of ${lostEncoderId}` : ''}`, Date.now());
  if (evidence) story.say(evidence);

  // An attempt of this very run may own the channel already, where the one before it timed out late.
  let ownAttempts = (input.attempts ?? 0) > 0;
  try {
    const { choice, sessionId, taken, published, troubles } = await takeOverElsewhere(
      {
        ...input,
        exclude: lostEncoderId === null ? [] : [lostEncoderId],
        evidence: `${reason}: ${evidence}`.slice(0, 200),
        requestId: `${workflowId}/${runId}`,
        attempts: input.attempts ?? 0,
      },
      {
        story,
        check: (facts) => {
          if (!ownAttempts) refuseIfStale(spec.id, request, facts);
          ownAttempts = true;
        },
        beforeRetry: async (attempts) => {
          if (workflowInfo().continueAsNewSuggested) {
            await continueAsNew<typeof recovery>({ ...input, attempts });
          }
        },
      },
    );
    const { encoderId, rungs, explanation } = choice;
    setOwner(result, { encoderId, sessionId }, taken.token);
    result.toEncoderId = encoderId;
    result.rungs = rungs;
    result.explanation = explanation;
    result.firstGop = taken.firstGop;
    result.committedAtMs = taken.atMs;
    result.preparedAtMs = taken.startedAtMs;
    result.publishedAtMs = published.published ? published.atMs : null;
    result.gapsDeclared = taken.gapsDeclared;
    if (reason === 'encoder-lost' && lostEncoderId !== null) {
      // The time of the report: the channels of one lost encoder tell of one crash.
      troubles.push({ encoderId: lostEncoderId, kind: 'crash', atMs: request.requestedAtMs });
    }
    const finished = finish(result, story, reason === 'start' ? 'completed' : 'recovered');
    await local8s.recordMove({ cell: input.cell, result: finished, troubles }).catch(() => undefined);
    return finished;
  } catch (error) {
    if (isCancellation(error)) {
      // Whatever it still showed: nothing is left to be resolved of a channel that is being removed.
      upsertAttributes({ outcome: 'cancelled' });
      throw error;
    }
    const cause = causeOf(error);
    if (cause.code !== 'conflict' && cause.code !== 'unknown-channel') throw error;
    const actual = cause.details as Partial<Pick<ChannelFacts, 'owner' | 'token'>> | undefined;
    if (actual?.owner) setOwner(result, actual.owner, actual.token ?? 0);
    return finish(result, story, 'refused', cause);
  }
};
