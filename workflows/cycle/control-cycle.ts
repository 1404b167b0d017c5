import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ParentClosePolicy,
  getExternalWorkflowHandle,
  setCurrentDetails,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { LostChannel, Observation, OrphanSession } from '../../activities';
import type { CycleResult, EncoderUpdate, Move, PendingEncoder, Plan, ScaleChange } from '../../src/domain';
import { swarmWorkflowId } from '../../src/domain/control';
import { rolloutWorkflowId } from '../../src/domain/rollout';
import { synchroniseWorkflowId } from '../../src/domain/version-manager';
import { attributes } from '../kit/attributes';
import { causeOf } from '../kit/failures';
import { encodersRequestedSignal, reportEnded, scaleIn, scaleOut } from '../fleet/scaling';
import { WORKFLOW_TASK_TIMEOUT, prompt, quick } from '../kit/steps';
import { synchronise } from '../versions/synchronise';
import type { ControlCycleInput } from '../kit/types';

type Act = CycleResult['acted'][number];

/**
 * One control cycle: observe, forecast, judge, plan, act. Acting is asking: channel workflows accept a move or
 * refuse it, and none of them is waited for. The result is the record of the decision.
 */
export const controlCycle = async (input: ControlCycleInput): Promise<CycleResult> => {
  const { channels, cordons, policy, lowDemandSinceMs } = input;
  const { workflowId } = workflowInfo();
  const startedAtMs = Date.now();
  const noPlan: Plan = { moves: [], scale: { kind: 'none' }, unmet: [], lowDemandSinceMs };

  const [observed, forecast] = await Promise.all([
    prompt.observe
      .executeWithOptions({ summary: 'encoders, channels, audience, moves' }, [{ channels, cordons }])
      .catch((error: unknown) => causeOf(error)),
    prompt.latestForecast
      .executeWithOptions({ summary: 'demand to come', startToCloseTimeout: '2 seconds' }, [])
      .catch(() => null),
  ]);
  const record = {
    workflowId,
    forecastId: forecast?.forecastId ?? null,
    forecastModel: forecast?.model ?? null,
  };
  if ('code' in observed) {
    const acted = [{ what: 'observe', accepted: false, why: `${observed.code}: ${observed.message}` }];
    return { ...record, atMs: startedAtMs, fitness: [], plan: noPlan, acted, unreachable: [] };
  }

  const { snapshot, unreachable } = observed;
  const forecastId = record.forecastId;
  const { fitness, plan, updates } = await quick.decide.executeWithOptions(
    { summary: 'fitness of each encoder, plan' },
    [{ snapshot: withProvisioning(snapshot, input), forecastId, policy, lowDemandSinceMs }],
  );
  const withoutForecast: Act[] = forecast
    ? []
    : [{ what: 'forecast', accepted: false, why: 'none is at most a minute old: planned on present needs' }];
  const acted = [...withoutForecast, ...(await act(input, observed, plan, updates))];
  const result = { ...record, atMs: snapshot.atMs, fitness, plan, acted, unreachable, updates };
  setCurrentDetails(inWords(result));
  return result;
};

const withProvisioning = (
  snapshot: Observation['snapshot'],
  { provisioning }: ControlCycleInput,
): Observation['snapshot'] =>
  provisioning
    ? { ...snapshot, pendingEncoders: provisioning.pending, provisioning: provisioning.outcomes }
    : snapshot;

/** All at once; what one part refuses or leaves unanswered holds up no other. */
const act = async (
  input: ControlCycleInput,
  observed: Observation,
  plan: Plan,
  updates: EncoderUpdate[] = [],
): Promise<Act[]> => {
  const { lost, orphans, unregistered, snapshot } = observed;
  // Recovery has precedence: a lost channel is not also moved.
  const isLost = new Set(lost.map((channel) => channel.channelId));
  const acts = [
    ...unregistered.map((channelId) => registerAgain(channelId)),
    ...lost.map((channel) => recover(channel, snapshot.atMs)),
    ...plan.moves.filter((move) => !isLost.has(move.channelId)).map((move) => requestMove(move)),
    ...orphans.map((session) => release(session)),
    ...updates.slice(0, 1).map((update) => bringInLine(input.cell, update)),
    ...(plan.scale.kind === 'none' ? [] : [scale(input, plan.scale)]),
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
    prompt.requestRegistration.executeWithOptions({ summary: `${channelId} is not known everywhere` }, [
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
    prompt.requestRecovery.executeWithOptions({ summary: `${channelId}: ${evidence}` }, [
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
    prompt.requestMove.executeWithOptions({ summary: explanation.summary.slice(0, 180) }, [
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
    prompt.releaseSession
      .executeWithOptions({ summary: `nobody wants ${session.sessionId}` }, [session])
      .then(accepted),
  );

/** One encoder at a time, by its workflow id; it outlives the cycle. */
const bringInLine = (cell: string, update: EncoderUpdate): Promise<Act> =>
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
      return { accepted: false, why: 'conflict: another encoder is being brought in line' };
    }
  });

/** Scaling outlives the cycle. */
const scale = (input: ControlCycleInput, change: Exclude<ScaleChange, { kind: 'none' }>): Promise<Act> =>
  change.kind === 'provision'
    ? attempt(`provision ${change.count}`, () => requestEncoders(input, change))
    : attempt(`deprovision ${change.encoderId}`, () => letGo(input, change));

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
const letGo = async (
  { cell, cordons }: ControlCycleInput,
  { encoderId, reason }: Extract<ScaleChange, { kind: 'deprovision' }>,
): Promise<{ accepted: boolean; why?: string }> => {
  if (cordons[encoderId]?.by === rolloutWorkflowId(cell)) {
    return { accepted: false, why: 'conflict: it is in the hands of a rollout' };
  }
  try {
    await startChild(scaleIn, {
      ...startOptions,
      workflowId: `scale-in/${cell}`,
      args: [{ cell, encoderId, reason }],
      staticSummary: `let ${encoderId} go`,
      staticDetails: reason,
      typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'deprovision' }),
    });
    return accepted();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { accepted: false, why: 'move-in-progress: the last change of scale is still under way' };
  }
};

const inWords = ({
  forecastId,
  forecastModel,
  fitness,
  plan,
  acted,
  unreachable,
  updates = [],
}: CycleResult): string =>
  [
    `### ${plan.moves.length} move(s), scale ${plan.scale.kind}`,
    `- forecast: ${forecastId ?? 'none'} ${forecastModel ?? ''}`,
    ...(unreachable.length > 0 ? [`- silent: ${unreachable.join(', ')}`] : []),
    ...fitness.map((f) => `- ${f.encoderId}: fitness ${f.score.toFixed(2)}, weakest: ${f.weakestTerm}`),
    ...(plan.regions ?? []).map(
      (r) =>
        `- CDN of ${r.region}: ${Math.round(r.peakLoadP90 * 100)} % at P90${r.congested ? ', congested' : ''}`,
    ),
    ...(plan.scale.kind === 'none' ? [] : [`- scale: ${plan.scale.reason}`]),
    ...plan.moves.map((move) => `- ${move.explanation.summary}`),
    ...plan.unmet.map(({ why }) => `- unmet: ${why}`),
    ...updates.map(({ why }) => `- to bring in line: ${why}`),
    ...acted.map(({ what, accepted: yes, why }) => `- ${what}: ${yes ? 'accepted' : `refused, ${why}`}`),
  ].join('\n');
