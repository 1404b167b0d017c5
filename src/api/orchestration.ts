import { randomUUID } from 'node:crypto';
import {
  ScheduleOverlapPolicy,
  type Client,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
} from '@temporalio/client';
import type { MoveRecord } from '../contracts/api';
import {
  SwarmError,
  channelControl,
  channelWorkflowId,
  retrainScheduleId,
  searchAttributeNames,
  swarmControl,
  swarmWorkflowId,
  wasNotNeeded,
  type ChannelSpec,
  type ChannelChange,
  type ChannelWorkflowState,
  type CordonRequest,
  type MoveRequest,
  type MoveResult,
  type SwarmWorkflowState,
} from '../domain';
import { SwarmView } from '../observation/swarm-view';
import { askedBy } from '../platform/asking';
import { noSwarm, type TemporalCalls } from '../temporal/calls';
import type { EndedWorkflow, EndedWorkflows } from '../temporal/ended-workflows';
import { readable } from '../temporal/readable-history';
import type { SwarmEnd } from '../temporal/swarm-run';
import { recordOfResult, recordWithoutResult, runUrl, type ListedMove } from './move-records';
import type { Orchestration, WorkflowRun } from './ports';
import { readRunHistory } from './run-history';

/** Number of results of ended moves, which never change, that are kept. */
const KEPT_RECORDS = 500;
/** Recoveries that were not needed, among those listed: at the loss of an encoder, one for each of its channels. */
const NOT_NEEDED_AT_MOST = 20;

/** Orchestration port on a real Temporal server. */
export class TemporalOrchestration implements Orchestration {
  private readonly ended = new Map<string, MoveRecord>();
  private readonly view: SwarmView;
  private endedWorkflows: EndedWorkflows | null = null;

  constructor(
    private readonly options: {
      cell: string;
      namespace: string;
      uiUrl: string;
      calls: TemporalCalls;
    },
  ) {
    this.view = new SwarmView(options.cell, (name, ...args) =>
      options.calls.read(noSwarm, (client) => this.swarm(client).query(name, ...args)),
    );
  }

  swarmState(): Promise<SwarmWorkflowState> {
    return this.view.state();
  }

  swarmEnd(): Promise<SwarmEnd | null> {
    return this.options.calls.read(noSwarm, async (client) => {
      const { readSwarmEnd } = await import('../temporal/swarm-run');
      return readSwarmEnd(client, this.options.cell);
    });
  }

  ends(): Promise<EndedWorkflow[]> {
    return this.options.calls.read(noSwarm, async (client) => {
      if (!this.endedWorkflows) {
        const { EndedWorkflows } = await import('../temporal/ended-workflows');
        this.endedWorkflows ??= new EndedWorkflows(this.options.cell);
      }
      return this.endedWorkflows.read(client);
    });
  }

  channelState(channelId: string): Promise<ChannelWorkflowState> {
    return this.options.calls.read(unknownChannel(channelId), (client) =>
      client.workflow
        .getHandle(channelWorkflowId(channelId))
        .query<ChannelWorkflowState>(channelControl.state),
    );
  }

  async addChannel(spec: ChannelSpec): Promise<void> {
    const { calls, cell } = this.options;
    await calls.read(noSwarm, async (client) => {
      const { requireOwnChannel } = await import('../temporal/cell-owner');
      await requireOwnChannel(client, cell, spec.id);
    });
    return this.updateSwarm(swarmControl.addChannel, spec);
  }

  updateChannel(channelId: string, change: ChannelChange): Promise<void> {
    return this.updateSwarm(swarmControl.updateChannel, channelId, change, askedBy());
  }

  removeChannel(channelId: string): Promise<void> {
    return this.updateSwarm(swarmControl.removeChannel, channelId);
  }

  move(channelId: string, request: MoveRequest): Promise<MoveResult> {
    return this.options.calls.command(unknownChannel(channelId), (client) =>
      client.workflow
        .getHandle(channelWorkflowId(channelId))
        .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, {
          args: [request],
          updateId: request.requestId,
        }),
    );
  }

  setCordon(encoderId: string, change: 'cordon' | 'uncordon' | 'drain'): Promise<void> {
    const request: CordonRequest = { encoderId, requestedBy: askedBy() };
    return this.updateSwarm(swarmControl[change], request);
  }

  retrain(): Promise<void> {
    return this.options.calls.command(noSwarm, (client) =>
      client.schedule.getHandle(retrainScheduleId(this.options.cell)).trigger(ScheduleOverlapPolicy.SKIP),
    );
  }

  moves(options: { limit: number; channelId?: string }): Promise<MoveRecord[]> {
    return this.options.calls.read(noSwarm, async (client) => {
      const query =
        `${searchAttributeNames.cell} = "${this.options.cell}" AND WorkflowType IN ("handoff", "recovery")` +
        (options.channelId ? ` AND ${searchAttributeNames.channel} = "${options.channelId}"` : '');
      // Some will be left out: a little more than what is asked for.
      const most = options.limit + NOT_NEEDED_AT_MOST;
      const listed: ListedMove[] = [];
      for await (const info of client.workflow.list({ query, pageSize: most })) {
        listed.push(listedMove(info));
        if (listed.length >= most) break;
      }
      const records = await Promise.all(listed.map((move) => this.recordOf(client, move)));
      const whenMs = (r: MoveRecord): number => (r.outcome === 'running' ? Infinity : r.requestedAtMs);
      return records
        .filter((record) => !wasNotNeeded(record))
        .sort((a, b) => whenMs(b) - whenMs(a) || b.requestedAtMs - a.requestedAtMs)
        .slice(0, options.limit);
    });
  }

  run(workflowId: string): Promise<WorkflowRun> {
    const notFound = (): SwarmError =>
      new SwarmError(
        'not-found',
        `There is no workflow ${workflowId}.`,
        'Take an id from `encoder-swarm status`.',
      );
    return this.options.calls.read(notFound, async (client) => {
      const { defaultPayloadConverter } = await import('@temporalio/common');
      const handle = client.workflow.getHandle(workflowId);
      const description = await handle.describe();
      const pinned = client.workflow.getHandle(workflowId, description.runId);
      const { events } = await readable(client, await pinned.fetchHistory());
      const pending = await readable(client, description.raw.pendingActivities ?? []);
      const history = readRunHistory(events ?? [], pending, (payload) => {
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

  close(): Promise<void> {
    return this.options.calls.close();
  }

  private swarm(client: Client): WorkflowHandle {
    return client.workflow.getHandle(swarmWorkflowId(this.options.cell));
  }

  private updateSwarm(name: string, ...args: [unknown, unknown?, string?]): Promise<void> {
    return this.options.calls.command(noSwarm, async (client) => {
      await this.swarm(client).executeUpdate<void, [unknown, unknown?, string?]>(name, {
        args,
        updateId: randomUUID(),
      });
    });
  }

  private urlOf(workflowId: string, runId: string): string {
    return runUrl(this.options.uiUrl, this.options.namespace, workflowId, runId);
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
    if (this.ended.size > KEPT_RECORDS) this.ended.delete(this.ended.keys().next().value as string);
    return record;
  }
}

const unknownChannel = (channelId: string) => (): SwarmError =>
  new SwarmError(
    'unknown-channel',
    `There is no channel ${channelId}.`,
    'See `encoder-swarm channel list` for the channels of this swarm. The workflow of one that is listed has ended: the worker starts it again within seconds.',
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
