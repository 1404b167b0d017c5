import { AsyncLocalStorage } from 'node:async_hooks';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  msToNumber,
} from '@temporalio/common';
import type { VirtualClock } from './virtual-clock';

type Duration = string | number;
type AnyFunction = (...args: never[]) => unknown;
type WorkflowFunction = (...args: never[]) => Promise<unknown>;

interface RetryPolicy {
  maximumAttempts?: number;
  initialInterval?: Duration;
  backoffCoefficient?: number;
  maximumInterval?: Duration;
  nonRetryableErrorTypes?: string[];
}
interface ActivityOptions {
  /** What a person reads of it in the history. */
  summary?: string;
  startToCloseTimeout?: Duration;
  scheduleToCloseTimeout?: Duration;
  heartbeatTimeout?: Duration;
  cancellationType?: string;
  retry?: RetryPolicy;
}

/** One attempt of an activity on the model's one worker. */
export interface Attempt {
  activity: string;
  summary?: string | undefined;
  workflowId: string;
  abort: AbortController;
  /** Its worker was killed: nothing that it does any more has an effect. */
  isDead: boolean;
  died: Promise<void>;
  kill: () => void;
  /** What the attempts of one activity said with their last heartbeat: each begins with what the one before left. */
  heartbeats: Heartbeats;
}
interface Heartbeats {
  before: unknown;
  last: unknown;
}

export interface WorkflowRun {
  workflowId: string;
  runId: string;
  type: string;
  status: 'running' | 'completed' | 'failed';
  result: unknown;
  failure: unknown;
  done: Promise<unknown>;
  scope: Scope;
  handlers: Map<string, { run: AnyFunction; validator?: AnyFunction }>;
  handlersRunning: number;
  attributes: Map<string, unknown>;
  /** Of a run that another workflow started. */
  startedWith?: Omit<ChildOptions, 'args'>;
  details: string;
  closedAtMs: number | null;
  /** Local activities finished in the workflow task under way: a killed worker runs them again. */
  localsOfTask: { name: string; args: never[] }[];
  /** By update id: the same id twice is one Update. */
  updates: Map<string, { result: Promise<unknown> }>;
}

interface Context {
  run: WorkflowRun;
  scope: Scope;
}

class ContinueAsNew extends Error {
  constructor(readonly args: never[]) {
    super('continue as new');
  }
}

/** A worker that was killed in the midst of a workflow task is missed after so long (workflows/steps.ts). */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

let model: TemporalModel;
/** The one in whose time the functions below run; worlds come one after the other. */
const setModel = (next: TemporalModel): void => {
  model = next;
};
const current = new AsyncLocalStorage<Context>();
const attempts = new AsyncLocalStorage<Attempt>();

const context = (): Context => {
  const found = current.getStore();
  if (!found) throw new Error('called outside of a workflow');
  return found;
};

/** The attempt of an activity that the caller runs in; undefined elsewhere. */
export const currentAttempt = (): Attempt | undefined => attempts.getStore();

/** Cancellation scope as workflows use it. */
export class Scope {
  readonly cancelRequested: Promise<never>;
  isCancelled = false;
  private reject!: (error: Error) => void;
  private readonly children = new Set<Scope>();
  private readonly callbacks = new Set<() => void>();

  constructor(
    private readonly options: { cancellable?: boolean } = {},
    parent: Scope | undefined = current.getStore()?.scope,
  ) {
    this.cancelRequested = new Promise<never>((_, reject) => (this.reject = reject));
    this.cancelRequested.catch(() => undefined);
    parent?.children.add(this);
  }

  static nonCancellable<T>(run: () => Promise<T>): Promise<T> {
    return new Scope({ cancellable: false }).run(run);
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return current.run({ run: context().run, scope: this }, work);
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.reject(new CancelledFailure('Cancellation scope cancelled'));
    for (const callback of this.callbacks) callback();
    for (const child of this.children) if (child.options.cancellable !== false) child.cancel();
  }

  onCancel(callback: () => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }
}

const isCancellation = (error: unknown): boolean =>
  error instanceof CancelledFailure ||
  ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) &&
    isCancellation(error.cause));

const orCancelled = <T>(work: Promise<T>): Promise<T> => {
  const { scope } = context();
  work.catch(() => undefined);
  return Promise.race([work, scope.cancelRequested]);
};

/** A point at which Temporal ends the workflow task and records the local activities before it. */
const endOfTask = (): void => {
  context().run.localsOfTask = [];
};

const sleep = (duration: Duration): Promise<void> => {
  endOfTask();
  return orCancelled(model.clock.after(msToNumber(duration)));
};

const until = (met: () => boolean): { promise: Promise<void>; end: () => void } => {
  let end = (): void => undefined;
  const here = context();
  const promise = new Promise<void>((resolve) => {
    end = model.clock.watch(() => {
      if (!current.run(here, met)) return false;
      resolve();
      return true;
    });
  });
  return { promise, end };
};

const condition = async (met: () => boolean, timeout?: Duration): Promise<boolean | void> => {
  if (met()) return timeout === undefined ? undefined : true;
  endOfTask();
  const waiting = until(met);
  try {
    if (timeout === undefined) return await orCancelled(waiting.promise);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), msToNumber(timeout));
    });
    return await orCancelled(Promise.race([waiting.promise.then(() => true), late])).finally(() =>
      clearTimeout(timer),
    );
  } finally {
    waiting.end();
  }
};

const asApplicationFailure = (error: unknown): ApplicationFailure =>
  error instanceof ApplicationFailure
    ? error
    : ApplicationFailure.create({ message: (error as Error).message, type: (error as Error).name });

/** Retries, time-outs and cancellation of one activity, as the server and SDK treat them. */
const runActivity = async (
  name: string,
  args: never[],
  options: ActivityOptions,
  isLocal: boolean,
): Promise<unknown> => {
  const { run, scope } = context();
  if (!isLocal) endOfTask();
  const failed = (cause: Error, state: RetryState): ActivityFailure =>
    new ActivityFailure('Activity task failed', name, '1', state, 'model', cause);
  if (scope.isCancelled) throw failed(new CancelledFailure('cancelled'), RetryState.CANCEL_REQUESTED);

  const waitsForCancellation = options.cancellationType === 'WAIT_CANCELLATION_COMPLETED';
  let live: Attempt | undefined;
  const takeBack = scope.onCancel(() => live?.abort.abort(new CancelledFailure('cancelled')));
  const work = (async () => {
    const startedAtMs = Date.now();
    const { retry = {} } = options;
    const closesAtMs =
      options.scheduleToCloseTimeout === undefined
        ? Infinity
        : startedAtMs + msToNumber(options.scheduleToCloseTimeout);
    let intervalMs = msToNumber(retry.initialInterval ?? 1_000);
    const heartbeats: Heartbeats = { before: undefined, last: undefined };
    for (let attempt = 1; ; attempt += 1) {
      heartbeats.before = heartbeats.last;
      live = model.newAttempt(name, run.workflowId, heartbeats);
      live.summary = options.summary;
      const outcome = await model.attemptOnce(live, args, options, isLocal, closesAtMs);
      if (outcome.kind === 'done') {
        if (isLocal) run.localsOfTask.push({ name, args });
        return outcome.value;
      }
      if (outcome.kind === 'worker-killed' && isLocal) {
        for (const done of [...run.localsOfTask]) {
          await model.again(done.name, done.args, run.workflowId);
        }
        attempt -= 1;
        continue;
      }
      const { error } = outcome;
      if (scope.isCancelled) throw failed(new CancelledFailure('cancelled'), RetryState.CANCEL_REQUESTED);
      const type = error instanceof ApplicationFailure ? error.type : undefined;
      const isFinal =
        (error instanceof ApplicationFailure && error.nonRetryable) ||
        (typeof type === 'string' && (retry.nonRetryableErrorTypes ?? []).includes(type));
      if (isFinal) throw failed(error, RetryState.NON_RETRYABLE_FAILURE);
      if (attempt >= (retry.maximumAttempts ?? Infinity)) {
        throw failed(error, RetryState.MAXIMUM_ATTEMPTS_REACHED);
      }
      if (Date.now() + intervalMs >= closesAtMs) throw failed(error, RetryState.TIMEOUT);
      await model.clock.after(intervalMs);
      if (scope.isCancelled) throw failed(new CancelledFailure('cancelled'), RetryState.CANCEL_REQUESTED);
      intervalMs = Math.min(
        intervalMs * (retry.backoffCoefficient ?? 2),
        msToNumber(retry.maximumInterval ?? 100 * msToNumber(retry.initialInterval ?? 1_000)),
      );
    }
  })();
  try {
    if (waitsForCancellation) return await work;
    work.catch(() => undefined);
    return await Promise.race([
      work,
      scope.cancelRequested.catch(() => {
        throw failed(new CancelledFailure('cancelled'), RetryState.CANCEL_REQUESTED);
      }),
    ]);
  } finally {
    takeBack();
  }
};

const proxyOf =
  (isLocal: boolean) =>
  (options: ActivityOptions): unknown =>
    new Proxy(
      {},
      {
        get: (_target, name: string) =>
          Object.assign((...args: never[]) => runActivity(name, args, options, isLocal), {
            executeWithOptions: (more: ActivityOptions, args: never[]) =>
              runActivity(name, args, { ...options, ...more }, isLocal),
          }),
      },
    );

interface ChildOptions {
  workflowId: string;
  args: never[];
  staticSummary?: string;
  staticDetails?: string;
  parentClosePolicy?: string;
  workflowTaskTimeout?: Duration;
  typedSearchAttributes?: { key: { name: string }; value: unknown }[];
}
const startChildRun = (workflow: WorkflowFunction, options: ChildOptions): WorkflowRun => {
  endOfTask();
  const run = model.start(workflow, options.workflowId, options.args);
  run.startedWith = options;
  for (const { key, value } of options.typedSearchAttributes ?? [])
    if (!run.attributes.has(key.name)) run.attributes.set(key.name, value);
  return run;
};

const executeChild = async (workflow: WorkflowFunction, options: ChildOptions): Promise<unknown> => {
  const { scope } = context();
  if (scope.isCancelled) throw new CancelledFailure('Cancellation scope cancelled');
  const child = startChildRun(workflow, options);
  const takeBack = scope.onCancel(() => child.scope.cancel());
  try {
    return await child.done;
  } catch (error) {
    throw new ChildWorkflowFailure(
      'model',
      child,
      child.type,
      RetryState.NON_RETRYABLE_FAILURE,
      error as Error,
    );
  } finally {
    takeBack();
  }
};

const named = (name: string): { name: string } => ({ name });

/** What stands for `@temporalio/workflow` in the code under test. */
export const workflowModule = {
  ActivityCancellationType: {
    WAIT_CANCELLATION_COMPLETED: 'WAIT_CANCELLATION_COMPLETED',
    TRY_CANCEL: 'TRY_CANCEL',
  },
  ChildWorkflowCancellationType: { WAIT_CANCELLATION_COMPLETED: 'WAIT_CANCELLATION_COMPLETED' },
  ParentClosePolicy: { ABANDON: 'ABANDON' },
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
  CancellationScope: Scope,
  isCancellation,
  proxyActivities: proxyOf(false),
  proxyLocalActivities: proxyOf(true),
  sleep,
  condition,
  executeChild,
  startChild: async (workflow: WorkflowFunction, options: ChildOptions) => {
    const child = startChildRun(workflow, options);
    child.done.catch(() => undefined);
    return { workflowId: child.workflowId, result: () => child.done };
  },
  continueAsNew: async (...args: never[]): Promise<never> => {
    throw new ContinueAsNew(args);
  },
  defineUpdate: named,
  defineSignal: named,
  defineQuery: named,
  setHandler: (
    { name }: { name: string },
    run: AnyFunction,
    { validator }: { validator?: AnyFunction } = {},
  ): void => {
    context().run.handlers.set(name, { run, ...(validator && { validator }) });
  },
  allHandlersFinished: () => context().run.handlersRunning === 0,
  getExternalWorkflowHandle: (workflowId: string) => ({
    signal: async ({ name }: { name: string }, ...args: never[]) => model.signal(workflowId, name, ...args),
    cancel: async () => model.runOf(workflowId).scope.cancel(),
  }),
  workflowInfo: () => {
    const { workflowId, runId, type } = context().run;
    return {
      workflowId,
      runId,
      workflowType: type,
      continueAsNewSuggested: model.longRunIds.has(runId),
      historyLength: 1,
    };
  },
  /** New runs only: replays of older code are the ground of test/workflows/replay. */
  patched: () => true,
  deprecatePatch: () => undefined,
  uuid4: () => model.nextId('uuid'),
  setCurrentDetails: (details: string) => {
    context().run.details = details;
  },
  upsertSearchAttributes: (pairs: { key: { name: string }; value: unknown }[]) => {
    for (const { key, value } of pairs) context().run.attributes.set(key.name, value);
  },
  log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
};

/** What stands for `@temporalio/activity`. */
export const activityModule = {
  ApplicationFailure,
  CancelledFailure,
  cancellationSignal: () => attempts.getStore()?.abort.signal ?? new AbortController().signal,
  heartbeat: (details?: unknown): void => {
    const attempt = attempts.getStore();
    if (attempt && !attempt.isDead) attempt.heartbeats.last = details;
  },
  activityInfo: () => ({
    attempt: 1,
    workflowExecution: { workflowId: attempts.getStore()?.workflowId },
    heartbeatDetails: attempts.getStore()?.heartbeats.before,
  }),
  log: workflowModule.log,
};

/** What stands for `node:timers/promises`, which keeps real time otherwise. */
export const timersModule = {
  setTimeout: <T>(ms: number, value: T, { signal }: { signal?: AbortSignal } = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(value), ms);
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
};

type AttemptOutcome =
  | { kind: 'done'; value: unknown }
  | { kind: 'failed'; error: Error }
  | { kind: 'worker-killed'; error: Error };

/** Temporal's server and one worker, in virtual time. Real workflow functions and real activities run in it. */
export class TemporalModel {
  /** The latest run of each workflow id. */
  readonly runs = new Map<string, WorkflowRun>();
  readonly everyRun: WorkflowRun[] = [];
  /** Runs of which the server says that their history has grown long. */
  readonly longRunIds = new Set<string>();
  private activities: Record<string, (...args: never[]) => Promise<unknown>>;
  private readonly live = new Set<Attempt>();
  private ids = 0;

  constructor(
    readonly clock: VirtualClock,
    private readonly createActivities: () => Record<string, (...args: never[]) => Promise<unknown>>,
  ) {
    setModel(this);
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
