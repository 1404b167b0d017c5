import { WorkflowUpdateFailedError } from '@temporalio/client';
import {
  ApplicationFailure,
  TimeoutFailure,
  TimeoutType,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  msToNumber,
} from '@temporalio/common';
import {
  ContinueAsNew,
  Scope,
  attempts,
  current,
  setServer,
  type ActivityOptions,
  type Attempt,
  type AttemptOutcome,
  type Heartbeats,
  type ServerModel,
  type WorkflowFunction,
  type WorkflowRun,
} from './temporal-context';
import type { VirtualClock } from './virtual-clock';

/** A worker that was killed in the midst of a workflow task is missed after this time (workflows/kit/steps.ts). */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

const asApplicationFailure = (error: unknown): ApplicationFailure =>
  error instanceof ApplicationFailure
    ? error
    : ApplicationFailure.create({ message: (error as Error).message, type: (error as Error).name });

/** Temporal's server and one worker, in virtual time. Real workflow functions and real activities run in it. */
export class TemporalModel implements ServerModel {
  /** The latest run of each workflow id. */
  readonly runs = new Map<string, WorkflowRun>();
  readonly everyRun: WorkflowRun[] = [];
  /** Runs of which the server says that their history has grown long. */
  readonly longRunIds = new Set<string>();
  /** Runs that are pinned to a build of the workers that is no longer the current one. */
  readonly outdatedRunIds = new Set<string>();
  /** Runs that asked for their next one to begin on the current build. */
  readonly upgradedRunIds = new Set<string>();
  /** Runs whose history is so long that the server would soon terminate them. */
  readonly fullRunIds = new Set<string>();
  private activities: Record<string, (...args: never[]) => Promise<unknown>>;
  private readonly live = new Set<Attempt>();
  private ids = 0;

  constructor(
    readonly clock: VirtualClock,
    private readonly createActivities: () => Record<string, (...args: never[]) => Promise<unknown>>,
  ) {
    setServer(this);
    this.activities = createActivities();
  }

  nextId(prefix: string): string {
    this.ids += 1;
    return `${prefix}-${String(this.ids).padStart(8, '0')}`;
  }

  runOf(workflowId: string): WorkflowRun {
    const run = this.runs.get(workflowId);
    if (!run) throw new WorkflowNotFoundError(`no workflow ${workflowId}`, workflowId, undefined);
    return run;
  }

  start(workflow: WorkflowFunction, workflowId: string, args: unknown[]): WorkflowRun {
    if (this.runs.get(workflowId)?.status === 'running') {
      throw new WorkflowExecutionAlreadyStartedError('already started', workflowId, workflow.name);
    }
    const run: WorkflowRun = {
      workflowId,
      runId: this.nextId('run'),
      type: workflow.name,
      status: 'running',
      result: undefined,
      failure: undefined,
      done: Promise.resolve(),
      scope: new Scope({}, undefined),
      handlers: new Map(),
      handlersRunning: 0,
      attributes: new Map(),
      details: '',
      timers: [],
      closedAtMs: null,
      localsOfTask: [],
      updates: new Map(),
    };
    this.runs.set(workflowId, run);
    this.everyRun.push(run);
    run.done = this.drive(run, workflow, args as never[]);
    run.done.catch(() => undefined);
    return run;
  }

  private async drive(run: WorkflowRun, workflow: WorkflowFunction, given: never[]): Promise<unknown> {
    let args = given;
    for (;;) {
      try {
        const now = args;
        run.result = await current.run({ run, scope: run.scope }, () => workflow(...now));
        run.status = 'completed';
        run.closedAtMs = Date.now();
        return run.result;
      } catch (error) {
        if (error instanceof ContinueAsNew) {
          args = error.args;
          run.runId = this.nextId('run');
          run.updates.clear();
          continue;
        }
        run.status = 'failed';
        run.failure = error;
        run.closedAtMs = Date.now();
        throw error;
      }
    }
  }

  /** Runs an Update: accepted at once or refused by its validator; `result` tells what became of it. */
  update(
    workflowId: string,
    name: string,
    args: unknown[],
    updateId = this.nextId('update'),
  ): { result: Promise<unknown> } {
    const run = this.runs.get(workflowId);
    const known = run?.updates.get(updateId);
    if (known) return known;
    if (run?.status !== 'running') throw new WorkflowNotFoundError('closed', workflowId, undefined);
    const handler = run.handlers.get(name);
    if (!handler) throw new Error(`${workflowId} has no handler ${name}`);
    const refuse = (error: unknown): Error =>
      new WorkflowUpdateFailedError('Workflow Update failed', asApplicationFailure(error));
    try {
      current.run({ run, scope: run.scope }, () => handler.validator?.(...(args as never[])));
    } catch (error) {
      throw refuse(error);
    }
    run.handlersRunning += 1;
    const result = current
      .run({ run, scope: run.scope }, async () => handler.run(...(args as never[])))
      .catch((error: unknown) => {
        throw refuse(error);
      })
      .finally(() => (run.handlersRunning -= 1));
    result.catch(() => undefined);
    run.updates.set(updateId, { result });
    return { result };
  }

  /** The answer of a query handler, as a copy; closed workflows answer too. */
  query(workflowId: string, name: string, ...args: never[]): unknown {
    const run = this.runOf(workflowId);
    const handler = run.handlers.get(name);
    if (!handler) throw new Error(`${workflowId} has no handler ${name}`);
    return structuredClone(current.run({ run, scope: run.scope }, () => handler.run(...args)));
  }

  signal(workflowId: string, name: string, ...args: unknown[]): void {
    this.update(workflowId, name, args);
  }

  /** Ends the worker with all that it holds in memory; another one takes its place. */
  killWorker(): void {
    for (const attempt of this.live) attempt.kill();
    this.live.clear();
    this.activities = this.createActivities();
  }

  newAttempt(
    activity: string,
    workflowId: string,
    heartbeats: Heartbeats = { before: undefined, last: undefined },
  ): Attempt {
    let kill = (): void => undefined;
    const died = new Promise<void>((resolve) => (kill = resolve));
    const attempt: Attempt = {
      activity,
      workflowId,
      abort: new AbortController(),
      isDead: false,
      died,
      heartbeats,
      kill: () => {
        attempt.isDead = true;
        kill();
      },
    };
    return attempt;
  }

  /** Runs an activity once more, as often as its worker dies over it. */
  async again(name: string, args: never[], workflowId: string): Promise<void> {
    for (;;) {
      const attempt = this.newAttempt(name, workflowId);
      this.live.add(attempt);
      const outcome = await Promise.race([
        this.invoke(attempt, args).then(
          () => (attempt.isDead ? attempt.died.then(() => 'killed') : 'done'),
          () => (attempt.isDead ? attempt.died.then(() => 'killed') : 'done'),
        ),
        attempt.died.then(() => 'killed'),
      ]);
      this.live.delete(attempt);
      if (outcome === 'done') return;
      await this.clock.after(WORKFLOW_TASK_TIMEOUT_MS);
    }
  }

  private invoke(attempt: Attempt, args: never[]): Promise<unknown> {
    const activity = this.activities[attempt.activity];
    if (!activity) throw new Error(`no activity ${attempt.activity}`);
    return attempts.run(attempt, async () => activity(...args));
  }

  async attemptOnce(
    attempt: Attempt,
    args: never[],
    options: ActivityOptions,
    isLocal: boolean,
    closesAtMs: number,
  ): Promise<AttemptOutcome> {
    this.live.add(attempt);
    const limitMs = Math.min(
      options.startToCloseTimeout === undefined ? Infinity : msToNumber(options.startToCloseTimeout),
      closesAtMs - Date.now(),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<AttemptOutcome>((resolve) => {
      if (limitMs === Infinity) return;
      timer = setTimeout(() => {
        resolve({
          kind: 'failed',
          error: new TimeoutFailure('activity timed out', undefined, TimeoutType.START_TO_CLOSE),
        });
      }, limitMs);
    });
    const killed = attempt.died.then(async (): Promise<AttemptOutcome> => {
      const missedAfterMs = isLocal
        ? WORKFLOW_TASK_TIMEOUT_MS
        : msToNumber(options.heartbeatTimeout ?? options.startToCloseTimeout ?? 10_000);
      await this.clock.after(missedAfterMs);
      return {
        kind: 'worker-killed',
        error: new TimeoutFailure('heartbeat timed out', undefined, TimeoutType.HEARTBEAT),
      };
    });
    const worked = this.invoke(attempt, args).then(
      (value): AttemptOutcome | Promise<never> =>
        attempt.isDead ? new Promise(() => undefined) : { kind: 'done', value },
      (error: unknown): AttemptOutcome | Promise<never> =>
        attempt.isDead ? new Promise(() => undefined) : { kind: 'failed', error: error as Error },
    );
    try {
      return await Promise.race([worked, killed, late]);
    } finally {
      clearTimeout(timer);
      this.live.delete(attempt);
    }
  }
}
