import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  msToNumber,
} from '@temporalio/common';
import {
  context,
  endOfTask,
  theServer,
  type ActivityOptions,
  type Attempt,
  type Heartbeats,
} from './temporal-context';

/** Retries, time-outs and cancellation of one activity, as the server and SDK treat them. */
const runActivity = async (
  name: string,
  args: never[],
  options: ActivityOptions,
  isLocal: boolean,
): Promise<unknown> => {
  const server = theServer();
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
      live = server.newAttempt(name, run.workflowId, heartbeats);
      live.summary = options.summary;
      const outcome = await server.attemptOnce(live, args, options, isLocal, closesAtMs);
      if (outcome.kind === 'done') {
        if (isLocal) run.localsOfTask.push({ name, args });
        return outcome.value;
      }
      if (outcome.kind === 'worker-killed' && isLocal) {
        for (const done of [...run.localsOfTask]) {
          await server.again(done.name, done.args, run.workflowId);
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
      await server.clock.after(intervalMs);
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

/** What stands for proxyActivities and proxyLocalActivities. */
export const proxyOf =
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
