import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  TimeoutFailure,
  msToNumber,
} from '@temporalio/common';
import { proxyOf } from './activity-run-model';
import {
  ContinueAsNew,
  Scope,
  attempts,
  context,
  current,
  endOfTask,
  theServer,
  type AnyFunction,
  type ChildOptions,
  type Duration,
  type TimerOptions,
  type WorkflowFunction,
  type WorkflowRun,
} from './temporal-context';

const isCancellation = (error: unknown): boolean =>
  error instanceof CancelledFailure ||
  ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) &&
    isCancellation(error.cause));

const orCancelled = <T>(work: Promise<T>): Promise<T> => {
  const { scope } = context();
  work.catch(() => undefined);
  return Promise.race([work, scope.cancelRequested]);
};

/** What people read of a timer in the history. */
const noteTimer = ({ summary }: TimerOptions = {}): void => {
  if (summary !== undefined) context().run.timers.push(summary);
};

const sleep = (duration: Duration, options?: TimerOptions): Promise<void> => {
  endOfTask();
  noteTimer(options);
  return orCancelled(theServer().clock.after(msToNumber(duration)));
};

const until = (met: () => boolean): { promise: Promise<void>; end: () => void } => {
  let end = (): void => undefined;
  const here = context();
  const promise = new Promise<void>((resolve) => {
    end = theServer().clock.watch(() => {
      if (!current.run(here, met)) return false;
      resolve();
      return true;
    });
  });
  return { promise, end };
};

const condition = async (
  met: () => boolean,
  timeout?: Duration,
  options?: TimerOptions,
): Promise<boolean | void> => {
  if (met()) return timeout === undefined ? undefined : true;
  endOfTask();
  noteTimer(options);
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

const startChildRun = (workflow: WorkflowFunction, options: ChildOptions): WorkflowRun => {
  endOfTask();
  const run = theServer().start(workflow, options.workflowId, options.args);
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
  makeContinueAsNewFunc:
    ({ initialVersioningBehavior }: { initialVersioningBehavior?: string } = {}) =>
    async (...args: never[]): Promise<never> => {
      const { runId } = context().run;
      if (initialVersioningBehavior === 'AUTO_UPGRADE') theServer().upgradedRunIds.add(runId);
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
    signal: async ({ name }: { name: string }, ...args: never[]) =>
      theServer().signal(workflowId, name, ...args),
    cancel: async () => theServer().runOf(workflowId).scope.cancel(),
  }),
  workflowInfo: () => {
    const { workflowId, runId, type } = context().run;
    return {
      workflowId,
      runId,
      workflowType: type,
      targetWorkerDeploymentVersionChanged: theServer().outdatedRunIds.has(runId),
      continueAsNewSuggested: theServer().longRunIds.has(runId),
      historyLength: theServer().fullRunIds.has(runId) ? 50_000 : 1,
      historySize: 1,
    };
  },
  /** New runs only: replays of older code are the ground of test/workflows/replay. */
  patched: () => true,
  deprecatePatch: () => undefined,
  uuid4: () => theServer().nextId('uuid'),
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
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      }, ms);
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
};
