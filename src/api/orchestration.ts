import { randomUUID } from 'node:crypto';
import type { Workflow } from '@temporalio/common';
import {
  ScheduleOverlapPolicy,
  type Client,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  SwarmError,
  channelControl,
  channelWorkflowId,
  retrainScheduleId,
  searchAttributeNames,
  swarmControl,
  swarmWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type CordonRequest,
  type MoveRequest,
  type MoveResult,
  type SwarmWorkflowState,
} from '../domain';
import type { MoveRecord } from './answer-schemas';
import { withinDeadline } from './cached';
import { recordOfResult, recordWithoutResult, runUrl, type ListedMove } from './move-records';
import type { Orchestration, WorkflowRun } from './ports';
import { readHistory } from './run-history';
import { fromTemporal, temporalDown } from './temporal-errors';

const readDeadlineMs = 3_000;
/** A move waits for its target to warm up; a drain for several moves. */
const updateDeadlineMs = 90_000;
/** A server that is frozen or cut off must not make an operator wait for the deadline of an update. */
const aliveDeadlineMs = 2_000;
/** Results of ended moves never change: keep so many of them. */
const keptRecords = 500;
const reconnectAfterMs = 2_000;

export interface TemporalConnection {
  client: Client;
  close(): Promise<void>;
}

/** Orchestration port on a real Temporal server. Connects when first needed, and again when that failed. */
export class TemporalOrchestration implements Orchestration {
  private connection: Promise<TemporalConnection> | null = null;
  private failedAtMs = -Infinity;
  private lastFailure = temporalDown();
  private readonly ended = new Map<string, MoveRecord>();

  constructor(
    private readonly o: {
      cell: string;
      namespace: string;
      uiUrl: string;
      connect: () => Promise<TemporalConnection>;
    },
  ) {}

  swarmState(): Promise<SwarmWorkflowState> {
    return this.call(readDeadlineMs, noSwarm, (client) =>
      this.swarm(client).query<SwarmWorkflowState>(swarmControl.state),
    );
  }

  channelState(channelId: string): Promise<ChannelWorkflowState> {
    return this.call(readDeadlineMs, unknownChannel(channelId), (client) =>
      client.workflow
        .getHandle(channelWorkflowId(channelId))
        .query<ChannelWorkflowState>(channelControl.state),
    );
  }

  addChannel(spec: ChannelSpec): Promise<void> {
    return this.updateSwarm(swarmControl.addChannel, spec);
  }

  removeChannel(channelId: string): Promise<void> {
    return this.updateSwarm(swarmControl.removeChannel, channelId);
  }

  move(channelId: string, request: MoveRequest): Promise<MoveResult> {
    return this.command(unknownChannel(channelId), (client) =>
      client.workflow
        .getHandle(channelWorkflowId(channelId))
        .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, {
          args: [request],
          updateId: request.requestId,
        }),
    );
  }

  setCordon(encoderId: string, change: 'cordon' | 'uncordon' | 'drain'): Promise<void> {
    const request: CordonRequest = { encoderId, requestedBy: 'operator' };
    return this.updateSwarm(swarmControl[change], request);
  }

  retrain(): Promise<void> {
    return this.command(noSwarm, (client) =>
      client.schedule.getHandle(retrainScheduleId(this.o.cell)).trigger(ScheduleOverlapPolicy.SKIP),
    );
  }

  moves(o: { limit: number; channelId?: string }): Promise<MoveRecord[]> {
    return this.call(readDeadlineMs, noSwarm, async (client) => {
      const query =
        `${searchAttributeNames.cell} = "${this.o.cell}" AND WorkflowType IN ("handoff", "recovery")` +
        (o.channelId ? ` AND ${searchAttributeNames.channel} = "${o.channelId}"` : '');
      const listed: ListedMove[] = [];
      for await (const info of client.workflow.list({ query, pageSize: o.limit })) {
        listed.push(listedMove(info));
        if (listed.length >= o.limit) break;
      }
      const records = await Promise.all(listed.map((move) => this.recordOf(client, move)));
      const whenMs = (r: MoveRecord): number => (r.outcome === 'running' ? Infinity : r.requestedAtMs);
      return records.sort((a, b) => whenMs(b) - whenMs(a) || b.requestedAtMs - a.requestedAtMs);
    });
  }

  run(workflowId: string): Promise<WorkflowRun> {
    const notFound = (): SwarmError =>
      new SwarmError(
        'bad-request',
        `There is no workflow ${workflowId}.`,
        'Take an id from `encoder-swarm status`.',
      );
    return this.call(readDeadlineMs, notFound, async (client) => {
      const { defaultPayloadConverter } = await import('@temporalio/common');
      const handle = client.workflow.getHandle(workflowId);
      const description = await handle.describe();
      const pinned = client.workflow.getHandle(workflowId, description.runId);
      const { events } = await pinned.fetchHistory();
      const history = readHistory(events ?? [], description.raw.pendingActivities ?? [], (payload) => {
        try {
          return defaultPayloadConverter.fromPayload(payload);
        } catch {
          return undefined;
        }
      });
      return {
        workflowId,
        runId: description.runId,
        url: this.urlOf(workflowId, description.runId),
        type: description.type,
        status: description.status.name,
        startedAtMs: description.startTime.getTime(),
        closedAtMs: description.closeTime?.getTime() ?? null,
        ...history,
      };
    });
  }

  /** Asks any workflow for its state. @param notFound the refusal when it does not run */
  query<T>(workflowId: string, name: string, notFound: () => SwarmError): Promise<T> {
    return this.call(readDeadlineMs, notFound, (client) =>
      client.workflow.getHandle(workflowId).query<T>(name),
    );
  }

  /** Sends any workflow an Update and waits for its answer. */
  update<T>(workflowId: string, name: string, argument: unknown, notFound: () => SwarmError): Promise<T> {
    return this.command(notFound, (client) =>
      client.workflow.getHandle(workflowId).executeUpdate<T, [unknown]>(name, {
        args: [argument],
        updateId: randomUUID(),
      }),
    );
  }

  /**
   * Starts a workflow and waits for the answer of an Update in one step, so that it can't end unheard in between.
   * @returns null where a workflow of this id runs already: it is left alone
   */
  async updateWithStart<T>(o: {
    workflowType: string;
    workflowId: string;
    taskQueue: string;
    input: unknown;
    update: string;
    summary: string;
  }): Promise<T | null> {
    const { WithStartWorkflowOperation } = await import('@temporalio/client');
    const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(o.workflowType, {
      workflowId: o.workflowId,
      taskQueue: o.taskQueue,
      args: [o.input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: o.summary,
      workflowTaskTimeout: '5 seconds',
    });
    try {
      return await this.command(noSwarm, (client) =>
        client.workflow.executeUpdateWithStart<Workflow, T, []>(o.update, { startWorkflowOperation }),
      );
    } catch (error) {
      if (await startWorkflowOperation.workflowHandle().then(() => false, isAlreadyStarted)) return null;
      throw error;
    }
  }

  async close(): Promise<void> {
    const connection = await this.connection?.catch(() => null);
    await connection?.close();
  }

  private swarm(client: Client): WorkflowHandle {
    return client.workflow.getHandle(swarmWorkflowId(this.o.cell));
  }

  private updateSwarm(name: string, argument: unknown): Promise<void> {
    return this.command(noSwarm, async (client) => {
      await this.swarm(client).executeUpdate<void, [unknown]>(name, {
        args: [argument],
        updateId: randomUUID(),
      });
    });
  }

  private urlOf(workflowId: string, runId: string): string {
    return runUrl(this.o.uiUrl, this.o.namespace, workflowId, runId);
  }

  private async recordOf(client: Client, listed: ListedMove): Promise<MoveRecord> {
    const url = this.urlOf(listed.workflowId, listed.runId);
    if (listed.running) return recordWithoutResult(listed, url, null);
    const known = this.ended.get(listed.runId);
    if (known) return known;
    const record = await client.workflow
      .getHandle(listed.workflowId, listed.runId, { firstExecutionRunId: listed.runId })
      .result()
      .then(
        (result) => recordOfResult(listed, url, result as MoveResult),
        (error: unknown) => {
          const named = error as { name?: string; cause?: Error };
          if (named.name !== 'WorkflowFailedError') throw error;
          return recordWithoutResult(listed, url, named.cause?.message ?? 'failed');
        },
      );
    this.ended.set(listed.runId, record);
    if (this.ended.size > keptRecords) this.ended.delete(this.ended.keys().next().value as string);
    return record;
  }

  /** An update: first makes sure that the server is alive. */
  private async command<T>(notFound: () => SwarmError, work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = await this.connected();
    const alive = client.withDeadline(Date.now() + aliveDeadlineMs, () =>
      client.workflowService.getSystemInfo({}),
    );
    await withinDeadline('Temporal', aliveDeadlineMs, alive).catch(() => {
      throw temporalDown(`it did not answer within ${aliveDeadlineMs} ms`);
    });
    return this.call(updateDeadlineMs, notFound, work);
  }

  private async call<T>(
    deadlineMs: number,
    notFound: () => SwarmError,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const { client } = await this.connected();
    try {
      return await client.withDeadline(Date.now() + deadlineMs, () => work(client));
    } catch (error) {
      throw fromTemporal(error, notFound);
    }
  }

  private async connected(): Promise<TemporalConnection> {
    if (!this.connection && Date.now() - this.failedAtMs < reconnectAfterMs) throw this.lastFailure;
    this.connection ??= this.o.connect();
    try {
      return await this.connection;
    } catch (error) {
      this.connection = null;
      this.failedAtMs = Date.now();
      this.lastFailure =
        error instanceof SwarmError
          ? error
          : temporalDown(error instanceof Error ? error.message : String(error));
      throw this.lastFailure;
    }
  }
}

const isAlreadyStarted = (error: unknown): boolean =>
  error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError';

const noSwarm = (): SwarmError =>
  new SwarmError('unavailable', 'The swarm workflow does not run.', 'Run `npm start`, which starts it.');

const unknownChannel = (channelId: string) => (): SwarmError =>
  new SwarmError(
    'unknown-channel',
    `There is no channel ${channelId}.`,
    'See `encoder-swarm channel list` for the channels of this swarm.',
  );

const listedMove = (info: WorkflowExecutionInfo): ListedMove => {
  const attributes = new Map(info.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
  const text = (name: string): string | null => {
    const value = attributes.get(name);
    return typeof value === 'string' ? value : null;
  };
  return {
    workflowId: info.workflowId,
    runId: info.runId,
    type: info.type,
    running: info.status.name === 'RUNNING',
    startedAtMs: info.startTime.getTime(),
    closedAtMs: info.closeTime?.getTime() ?? null,
    channelId: text(searchAttributeNames.channel),
    encoderId: text(searchAttributeNames.encoder),
    reason: text(searchAttributeNames.reason),
  };
};
