import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, getExternalWorkflowHandle, startChild, workflowInfo } from '@temporalio/workflow';
import type { CyclePlan, LostChannel, OrphanSession } from '../../activities';
import type { EncoderUpdate, Move, PendingEncoder, ScaleChange } from '../../src/domain';
import { swarmWorkflowId } from '../../src/domain/control';
import { rolloutWorkflowId } from '../../src/domain/rollout-control';
import { synchroniseWorkflowId } from '../../src/domain/version-manager';
import { encodersRequestedSignal, reportEnded, scaleIn, scaleOut } from '../fleet/scaling';
import { attributes } from '../kit/attributes';
import { causeOf } from '../kit/failures';
import { WORKFLOW_TASK_TIMEOUT, twoTries4s } from '../kit/steps';
import type { ControlCycleInput } from '../kit/types';
import { synchronise } from '../versions/synchronise';
import type { Act } from './cycle-record';

/** What a cycle has to act on. */
export type ToDo = Pick<
  CyclePlan,
  'atMs' | 'lost' | 'orphans' | 'unregistered' | 'plan' | 'updates' | 'leavingCordonedBy'
>;

/** All at once; what one part refuses or leaves unanswered holds up no other. */
export const act = async (input: ControlCycleInput, toDo: ToDo): Promise<Act[]> => {
  const { lost, orphans, unregistered, plan, updates, atMs, leavingCordonedBy } = toDo;
  // Recovery has precedence: a lost channel is not also moved.
  const isLost = new Set(lost.map((channel) => channel.channelId));
  const acts = [
    ...unregistered.map((channelId) => registerAgain(channelId)),
    ...lost.map((channel) => recover(channel, atMs)),
    ...plan.moves.filter((move) => !isLost.has(move.channelId)).map((move) => requestMove(move)),
    ...orphans.map((session) => release(session)),
    ...updates.slice(0, 1).map((update) => startSynchronisation(input.cell, update)),
    ...(plan.scale.kind === 'none' ? [] : [scale(input, plan.scale, leavingCordonedBy)]),
  ];
  return Promise.all(acts);
};

const attempt = async (
  what: string,
  run: () => Promise<{ accepted: boolean; why?: string }>,
): Promise<Act> => {
  try {
    return { what, ...(await run()) };
  } catch (error) {
    const { code, message } = causeOf(error);
    return { what, accepted: false, why: `${code}: ${message}` };
  }
};

const accepted = (): { accepted: boolean } => ({ accepted: true });

const registerAgain = (channelId: string): Promise<Act> =>
  attempt(`register ${channelId} again`, () =>
    twoTries4s.requestRegistration.executeWithOptions({ summary: `${channelId} is not known everywhere` }, [
      { channelId, requestId: requestId('register') },
    ]),
  );

/** Unique also where a new swarm of this cell counts its cycles from 1 again. */
const requestId = (what: string): string => {
  const { workflowId, runId } = workflowInfo();
  return `${workflowId}/${runId}/${what}`;
};

const recover = (channel: LostChannel, atMs: number): Promise<Act> => {
  const { channelId, reason, lostEncoderId, lostSessionId, evidence } = channel;
  return attempt(`recover ${channelId} (${reason})`, () =>
    twoTries4s.requestRecovery.executeWithOptions({ summary: `${channelId}: ${evidence}` }, [
      {
        channelId,
        request: {
          requestId: requestId('recover'),
          reason,
          lostEncoderId,
          lostSessionId,
          evidence,
          requestedAtMs: atMs,
        },
      },
    ]),
  );
};

const requestMove = (move: Move): Promise<Act> => {
  const { channelId, fromEncoderId, toEncoderId, rungs, reason, explanation } = move;
  return attempt(`move ${channelId} ${fromEncoderId ?? '?'} → ${toEncoderId} (${reason})`, () =>
    twoTries4s.requestMove.executeWithOptions({ summary: explanation.summary.slice(0, 180) }, [
      {
        channelId,
        request: {
          requestId: requestId('move'),
          reason,
          toEncoderId,
          rungs,
          requestedBy: 'control cycle',
          requestedAtMs: Date.now(),
          explanation,
        },
      },
    ]),
  );
};

const release = (session: OrphanSession): Promise<Act> =>
  attempt(`release orphan ${session.sessionId} on ${session.encoderId}`, () =>
    twoTries4s.releaseSession
      .executeWithOptions({ summary: `no channel needs ${session.sessionId}` }, [session])
      .then(accepted),
  );

/** One encoder at a time, by its workflow id; it outlives the cycle. */
const startSynchronisation = (cell: string, update: EncoderUpdate): Promise<Act> =>
  attempt(`bring ${update.encoderId} to ${update.buildId}`, async () => {
    try {
      await startChild(synchronise, {
        workflowId: synchroniseWorkflowId(cell),
        args: [{ cell, update }],
        staticSummary: update.why.slice(0, 180),
        typedSearchAttributes: attributes({ cell, encoder: update.encoderId, reason: 'synchronise' }),
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      });
      return { accepted: true };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return { accepted: false, why: 'conflict: another encoder is being synchronised' };
    }
  });

/** Scaling outlives the cycle. */
const scale = (
  input: ControlCycleInput,
  change: Exclude<ScaleChange, { kind: 'none' }>,
  leavingCordonedBy: string | null,
): Promise<Act> =>
  change.kind === 'provision'
    ? attempt(`provision ${change.count}`, () => requestEncoders(input, change))
    : attempt(`deprovision ${change.encoderId}`, () => releaseEncoder(input, change, leavingCordonedBy));

const startOptions = {
  parentClosePolicy: ParentClosePolicy.ABANDON,
  workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
};

/**
 * The swarm knows of the requests before anybody acts on them, so that no later cycle asks for the same encoders
 * again. Several scale-outs may be under way: one that a slow provider keeps waiting holds up none of the others.
 */
const requestEncoders = async (
  { cell, cycle }: ControlCycleInput,
  { count, zones, reason }: Extract<ScaleChange, { kind: 'provision' }>,
): Promise<{ accepted: boolean }> => {
  const askedAtMs = Date.now();
  const requests = Array.from({ length: count }, (_, i): PendingEncoder => {
    const zone = zones?.[i];
    return { requestId: requestId(`encoder-${i}`), ...(zone !== undefined && { zone }), askedAtMs };
  });
  await getExternalWorkflowHandle(swarmWorkflowId(cell)).signal(encodersRequestedSignal, requests);
  try {
    await startChild(scaleOut, {
      ...startOptions,
      workflowId: `scale-out/${cell}/${cycle}`,
      args: [{ cell, requests, reason }],
      staticSummary: `${count} more encoder(s)${zones ? ` in ${zones.join(', ')}` : ''}`,
      staticDetails: reason,
      typedSearchAttributes: attributes({ cell, reason: 'provision' }),
    });
  } catch (error) {
    for (const request of requests)
      await reportEnded(cell, request, { arrived: false, endedAtMs: Date.now() });
    throw error;
  }
  return accepted();
};

/** Its workflow id allows one at a time. */
const releaseEncoder = async (
  { cell }: ControlCycleInput,
  { encoderId, reason }: Extract<ScaleChange, { kind: 'deprovision' }>,
  cordonedBy: string | null,
): Promise<{ accepted: boolean; why?: string }> => {
  if (cordonedBy === rolloutWorkflowId(cell)) {
    return { accepted: false, why: 'conflict: it is in the hands of a rollout' };
  }
  try {
    await startChild(scaleIn, {
      ...startOptions,
      workflowId: `scale-in/${cell}`,
      args: [{ cell, encoderId, reason }],
      staticSummary: `release ${encoderId}`,
      staticDetails: reason,
      typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'deprovision' }),
    });
    return accepted();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { accepted: false, why: 'move-in-progress: the last change of scale is still under way' };
  }
};
