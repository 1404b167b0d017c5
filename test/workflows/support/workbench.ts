import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Activities } from '../../../activities';
import { requestActivities } from '../../../activities/moves/requests';
import { taskQueueOf } from '../../../src/config/config';
import { OriginClient } from '../../../src/contracts/origin';
import {
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  failureOf,
  policySchema,
  swarmControl,
  swarmWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type CycleResult,
  type MoveFailure,
  type MoveRequest,
  type MoveResult,
  type RecoverRequest,
  type SwarmProgress,
  type SwarmRules,
} from '../../../src/domain';
import { workerTuning } from '../../../src/worker/worker';
import type { ChannelWorkflowInput } from '../../../workflows/kit/types';
import { eventually } from '../../support/until';
import { FakeActivities } from './fake-activities';
import { bundleWorkflows, startTemporal, type TemporalServerOptions } from './temporal';
import { runUntilShutdown } from './worker-run';

export const policy = policySchema.parse({});
export const context = { policy, cordons: {} };

export const moveRequest = (more: Partial<MoveRequest> = {}): MoveRequest => ({
  requestId: randomUUID(),
  reason: 'operator',
  requestedBy: 'test',
  requestedAtMs: Date.now(),
  ...more,
});

export const recoverRequest = (more: Partial<RecoverRequest> = {}): RecoverRequest => ({
  requestId: randomUUID(),
  reason: 'encoder-lost',
  lostEncoderId: 'enc-1',
  lostSessionId: null,
  evidence: 'it does not answer',
  requestedAtMs: Date.now(),
  ...more,
});

/** Code and message of the refusal that an Update fails with. */
export const refusalFrom = async (update: Promise<unknown>): Promise<{ code: string; message: string }> => {
  try {
    await update;
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      return { code: error.cause.type ?? '', message: error.cause.message };
    }
    throw error;
  }
  throw new Error('The Update was not refused.');
};

/** A server, and one cell with one worker, whose activities each test exchanges. */
export class Workbench {
  private activities: Partial<Activities> = {};
  private channels = 0;
  /** Questions of activities to the server: they go on when their worker has ended. */
  private readonly underWay = new Set<Promise<unknown>>();

  private worker!: Worker;
  private workerEnded!: Promise<void>;

  private constructor(
    readonly environment: TestWorkflowEnvironment,
    private readonly workflowBundle: WorkflowBundleWithSourceMap,
    readonly cell: string,
  ) {}

  static async open(options: TemporalServerOptions = {}): Promise<Workbench> {
    const [environment, workflowBundle] = await Promise.all([startTemporal(options), bundleWorkflows()]);
    const cell = `t-${randomUUID().slice(0, 8)}`;
    const bench = new Workbench(environment, workflowBundle, cell);
    await bench.startWorker();
    return bench;
  }

  private async startWorker(): Promise<void> {
    const names = Object.keys(new FakeActivities().activities()) as (keyof Activities)[];
    const call = (name: keyof Activities, args: unknown[]): unknown =>
      (this.activities[name] as (...given: unknown[]) => unknown)(...args);
    this.worker = await Worker.create({
      connection: this.environment.nativeConnection,
      taskQueue: this.taskQueue,
      workflowBundle: this.workflowBundle,
      identity: 'workbench',
      activities: Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(name, args)])),
      ...workerTuning,
      shutdownGraceTime: '100 milliseconds',
      shutdownForceTime: '2 seconds',
    });
    this.workerEnded = runUntilShutdown(this.worker);
  }

  /** Ends the worker with all that it holds in memory, and starts another one. */
  async restartWorker(): Promise<void> {
    this.worker.shutdown();
    await this.workerEnded;
    await this.startWorker();
  }

  async close(): Promise<void> {
    this.worker.shutdown();
    await this.workerEnded;
    // A call that fails is tried again after a pause. On a connection that is closed then, that ends the process.
    await Promise.allSettled(this.underWay);
    await this.environment.teardown();
  }

  get client() {
    return this.environment.client;
  }

  get taskQueue(): string {
    return taskQueueOf(this.cell);
  }

  use(activities: Activities): void {
    this.activities = activities;
  }

  /** The real requests to other workflows, on an origin that answers as told. */
  requests(originUrl: string) {
    return requestActivities({
      cell: this.cell,
      origin: new OriginClient(originUrl),
      temporal: () => this.client,
    });
  }

  /** A channel of its own for each test. */
  spec(): ChannelSpec {
    this.channels += 1;
    return channelWithDefaults(`${this.cell}-${this.channels}`);
  }

  /** A channel that runs already, as if carried over from an earlier run. */
  async startChannel(
    spec: ChannelSpec,
    carried: Partial<ChannelWorkflowState> | null = { ownerEncoderId: 'enc-1', status: 'on-air' },
  ): Promise<ChannelHandle> {
    const state: ChannelWorkflowState = {
      spec,
      status: 'on-air',
      ownerEncoderId: 'enc-1',
      ownerSessionId: `${spec.id}-old`,
      token: 1,
      rungs: 1,
      moves: 0,
      movedAtMs: null,
      lastMove: null,
      detail: '',
      ...carried,
    };
    const input: ChannelWorkflowInput = {
      cell: this.cell,
      spec,
      context,
      ...(carried && { carried: state }),
    };
    const handle = await this.client.workflow.start('channel', {
      workflowId: channelWorkflowId(spec.id),
      taskQueue: this.taskQueue,
      args: [input],
    });
    return new ChannelHandle(handle);
  }

  private asked<T>(question: Promise<T>): Promise<T> {
    this.underWay.add(question);
    const over = (): void => void this.underWay.delete(question);
    question.then(over, over);
    return question;
  }

  /** Policy and cordons of the cell's swarm; null where none runs. */
  async rules(): Promise<SwarmRules | null> {
    try {
      return await this.asked(this.swarm().query<SwarmRules>(swarmControl.rules));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  swarm(): WorkflowHandle {
    return this.client.workflow.getHandle(swarmWorkflowId(this.cell));
  }

  /** The first control cycle after this call, also where what it did wakes another one at once. */
  async nextCycle(): Promise<CycleResult> {
    const { cycle } = await this.swarm().query<SwarmProgress>(swarmControl.progress);
    await this.swarm().signal(swarmControl.wake);
    const next = this.client.workflow.getHandle(`cycle/${this.cell}/${cycle + 1}`);
    // The swarm counts a cycle a moment before the server knows of it.
    await eventually(() =>
      next.describe().catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }),
    );
    return (await next.result()) as CycleResult;
  }

  channel(spec: ChannelSpec): ChannelHandle {
    return new ChannelHandle(this.client.workflow.getHandle(channelWorkflowId(spec.id)));
  }
}

/** The Updates of a channel, as API and CLI make them. */
export class ChannelHandle {
  constructor(readonly handle: WorkflowHandle) {}

  move(request: MoveRequest): Promise<MoveResult> {
    return this.handle.executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { args: [request] });
  }
  /** A move that ends without having moved the channel. @returns its result, with outcome and failure */
  async failingMove(request: MoveRequest): Promise<MoveResult & { failure: MoveFailure }> {
    const result = await this.move(request);
    const failure = failureOf(result);
    if (!failure) throw new Error(`The move ended ${result.outcome}.`);
    return { ...result, failure };
  }
  recover(request: RecoverRequest): Promise<MoveResult> {
    return this.handle.executeUpdate<MoveResult, [RecoverRequest]>(channelControl.recover, {
      args: [request],
    });
  }
  remove(): Promise<void> {
    return this.handle.executeUpdate(channelControl.remove);
  }
  state(): Promise<ChannelWorkflowState> {
    return this.handle.query<ChannelWorkflowState>(channelControl.state);
  }
}
