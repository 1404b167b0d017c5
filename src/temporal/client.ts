import {
  Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WorkflowUpdateFailedError,
  type ScheduleOptions,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { retrainSecondsOf, taskQueueOf, type Environment } from '../config/config';
import {
  SwarmError,
  forecastScheduleId,
  fromFailureFields,
  isErrorCode,
  retrainScheduleId,
  policySchema,
  swarmControl,
  swarmWorkflowId,
  versionsWorkflowId,
  type AddChannelOptions,
  type ChannelSpec,
  type ErrorCode,
  type Policy,
  type VersionsState,
} from '../domain';
import { isLoopbackUrl } from '../platform/addresses';
import { retried } from '../platform/retry';
import { ownerMemo, requireOwnCell, requireOwnChannel, type CellOwner } from './cell-owner';
import { connectClosably } from './closing-connection';
import type { AskOptions } from './ended-run';
import { endOfWorkflow } from './ended-workflows';
import { temporalOptions } from './options';
import { dataConverterOf } from './payload-codec';
import { registerSearchAttributes } from './search-attributes';
import { carryOn, cellAttribute, isOwn, readSwarmEnd, startSwarmRun } from './swarm-run';
import { carriedVersions, startVersionsRun } from './taken-up';

const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_CYCLE_SECONDS = 5;
const FORECAST_EVERY = '10 seconds';
/** New search attributes take a moment until every part of the server knows them. */
const ATTRIBUTES_KNOWN_WITHIN_MS = 10_000;
const ADD_CHANNEL_DEADLINE_MS = 90_000;

/**
 * @param env variables of Temporal's own client configuration; see temporalOptions
 * @throws SwarmError unavailable; bad-request for settings that can't be used
 */
export const connectTemporal = async (
  environment: Environment,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ client: Client; close(): Promise<void> }> => {
  const { namespace, ...options } = await temporalOptions(environment, env);
  const converter = await dataConverterOf(environment);
  try {
    const { connection, close } = await connectClosably({
      ...options,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // A proxy of the environment is for the way out.
      ...(isLoopbackUrl(options.address) && { channelArgs: { 'grpc.enable_http_proxy': 0 } }),
    });
    return { client: new Client({ connection, namespace, ...converter }), close };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SwarmError(
      'unavailable',
      `Temporal at ${options.address} can't be reached: ${cause}.`,
      'Start it, or set TEMPORAL_ADDRESS.',
    );
  }
};

export interface EnsureSwarmOptions {
  policy?: Partial<Policy>;
  cycleSeconds?: number;
  channels?: ChannelSpec[];
  /** Absent: the cell is not guarded. */
  owner?: CellOwner;
  /** How long a run that ended is asked for what it knew. */
  patienceMs?: number;
}

/**
 * Makes the swarm of this environment's cell run: search attributes, `swarm/<cell>` (kept as it is where it runs
 * already; where it ended, it goes on with what it had), `versions/<cell>` likewise, the forecasting Schedule, and those
 * of the channels that are missing. Idempotent.
 * @throws SwarmError with the refusal of a channel; conflict if the cell is another swarm's; channel-exists
 * if another cell has one of this name
 */
export const ensureSwarm = async (
  client: Client,
  environment: Environment,
  options: EnsureSwarmOptions = {},
): Promise<void> => {
  const { policy, cycleSeconds = DEFAULT_CYCLE_SECONDS, channels = [], owner, patienceMs } = options;
  const asked = patienceMs === undefined ? {} : { patienceMs };
  const { SWARM_CELL: cell } = environment;
  await registerSearchAttributes(client.connection, client.options.namespace);
  await onceAttributesAreKnown(async () => {
    const end = await readSwarmEnd(client, cell);
    // What one of another state folder left is not ours.
    const isOurs = !end || isOwn(end, owner?.installationId ?? null);
    const before = end && isOurs ? await carryOn(client, cell, end, asked) : null;
    const input = before?.input ?? { cell, cycleSeconds, policy: policySchema.parse(policy ?? {}) };
    await startSwarmRun(client, cell, {
      ...before,
      input: { ...input, cycleSeconds },
      ...(owner && { memo: ownerMemo(owner) }),
    });
    // Another one may have begun it at the same time.
    if (owner) await requireOwnCell(client, cell, owner);
    await startVersionsRun(client, cell, isOurs ? await versionsOfEnded(client, cell, asked) : undefined);
  });
  await Promise.all([
    ensureForecasting(client, cell),
    ensureRetraining(client, environment),
    ...channels.map((spec) => addChannelIfMissing(client, cell, spec)),
  ]);
};

/** The catalogue, target and pins of a run that ended; undefined where it runs, or never did. */
const versionsOfEnded = async (
  client: Client,
  cell: string,
  asked: AskOptions,
): Promise<VersionsState | undefined> => {
  const end = await endOfWorkflow(client, versionsWorkflowId(cell), 'versions');
  return end ? carriedVersions(client, end, asked) : undefined;
};

/** Makes the next control cycle begin now. */
export const wakeSwarm = async (client: Client, cell: string): Promise<void> => {
  await client.workflow.getHandle(swarmWorkflowId(cell)).signal(swarmControl.wake);
};

const onceAttributesAreKnown = async (start: () => Promise<void>): Promise<void> => {
  await retried(start, {
    ...{ firstMs: 200, longestMs: 200, patienceMs: ATTRIBUTES_KNOWN_WITHIN_MS },
    isTransient: (error) => /search attribute/i.test(`${String(error)} ${String((error as Error).cause)}`),
  });
};

const ensureForecasting = async (client: Client, cell: string): Promise<void> => {
  const schedule: ScheduleOptions = {
    scheduleId: forecastScheduleId(cell),
    spec: { intervals: [{ every: FORECAST_EVERY }] },
    // The default catch-up window is a year: a forecast that was missed is of no use.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: 'forecasting',
      workflowId: forecastScheduleId(cell),
      taskQueue: taskQueueOf(cell),
      args: [],
      workflowRunTimeout: '30 seconds',
      typedSearchAttributes: cellAttribute(cell),
      staticSummary: `forecast for cell ${cell}`,
    },
  };
  await ensureSchedule(client, schedule);
};

/** Nothing waits for a model: a retraining that was missed while the server was away is made up for within the hour. */
const ensureRetraining = async (client: Client, environment: Environment): Promise<void> => {
  const { SWARM_CELL: cell } = environment;
  await ensureSchedule(client, {
    scheduleId: retrainScheduleId(cell),
    spec: { intervals: [{ every: retrainSecondsOf(environment) * 1_000 }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    action: {
      type: 'startWorkflow',
      workflowType: 'retraining',
      workflowId: retrainScheduleId(cell),
      taskQueue: taskQueueOf(cell),
      args: [],
      workflowRunTimeout: '1 hour',
      typedSearchAttributes: cellAttribute(cell),
      staticSummary: `new model for cell ${cell}`,
    },
  });
};

/** Creates it, or brings one that exists to this version's terms; whether it is paused stays the operator's. */
const ensureSchedule = async (client: Client, schedule: ScheduleOptions): Promise<void> => {
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, policies, action } = schedule;
    await client.schedule
      .getHandle(schedule.scheduleId)
      .update((before) => ({ ...before, spec, policies: { ...before.policies, ...policies }, action }));
  }
};

/**
 * A swarm that begins takes on a channel whose input is away, too: the others do not wait for it, and its own is tried
 * until it is there.
 */
const addChannelIfMissing = async (client: Client, cell: string, spec: ChannelSpec): Promise<void> => {
  await requireOwnChannel(client, cell, spec.id);
  const swarm = client.workflow.getHandle(swarmWorkflowId(cell));
  try {
    await client.withDeadline(Date.now() + ADD_CHANNEL_DEADLINE_MS, () =>
      swarm.executeUpdate<void, [ChannelSpec, AddChannelOptions]>(swarmControl.addChannel, {
        args: [spec, { inputMayBeAway: true }],
      }),
    );
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) throw error;
    if (cause.type === ('channel-exists' satisfies ErrorCode)) return;
    const { code, message, hint, details } = fromFailureFields(cause);
    throw new SwarmError(isErrorCode(code) ? code : 'internal', message, hint, details);
  }
};
