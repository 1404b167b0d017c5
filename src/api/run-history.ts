import type { Payload } from '@temporalio/common';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { RunStep } from './ports';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;
type Timestamp = { seconds?: unknown; nanos?: number | null };

/** Turns a payload into its value; undefined when it can't be read. */
export type DecodePayload = (payload: Payload) => unknown;

export interface RunHistory {
  input: unknown;
  result: unknown;
  failure: string | null;
  steps: RunStep[];
}

const msOf = (time: Timestamp | null | undefined): number =>
  time ? Number(time.seconds ?? 0) * 1000 + Math.round((time.nanos ?? 0) / 1e6) : 0;

const failureText = (failure: Failure | null | undefined): string => {
  const texts: string[] = [];
  for (let f = failure; f; f = f.cause) if (f.message && !texts.includes(f.message)) texts.push(f.message);
  return texts.at(-1) ?? 'failed';
};

/**
 * Reads activities, local activities and child workflows out of a workflow's history, with their times and number of
 * attempts, in the order in which they were scheduled.
 * @param pending activities that run or wait for a retry now; their failed attempts are in no history yet
 */
export const readHistory = (
  events: readonly HistoryEvent[],
  pending: readonly PendingActivity[],
  decode: DecodePayload,
): RunHistory => {
  const history: RunHistory = { input: undefined, result: undefined, failure: null, steps: [] };
  const stepByEvent = new Map<string, RunStep>();
  const stepByActivity = new Map<string, RunStep>();
  const first = (payloads: { payloads?: Payload[] | null } | null | undefined): unknown =>
    payloads?.payloads?.[0] ? decode(payloads.payloads[0]) : undefined;
  const begin = (event: HistoryEvent, name: string): RunStep => {
    const summary = event.userMetadata?.summary ? decode(event.userMetadata.summary) : undefined;
    const step: RunStep = {
      name: typeof summary === 'string' ? summary : name,
      startedAtMs: msOf(event.eventTime),
      finishedAtMs: null,
      attempts: 1,
      ok: null,
    };
    history.steps.push(step);
    stepByEvent.set(String(event.eventId), step);
    return step;
  };
  const end = (event: HistoryEvent, begunAt: unknown, failure?: string): void => {
    const step = stepByEvent.get(String(begunAt));
    if (!step) return;
    step.finishedAtMs = msOf(event.eventTime);
    step.ok = failure === undefined;
    if (failure !== undefined) step.note = failure;
  };

  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const step = begin(event, scheduled.activityType?.name ?? 'activity');
      stepByActivity.set(scheduled.activityId ?? '', step);
    }
    const started = event.activityTaskStartedEventAttributes;
    if (started) {
      const step = stepByEvent.get(String(started.scheduledEventId));
      if (step) {
        step.attempts = started.attempt ?? 1;
        if (started.lastFailure) step.note = `earlier attempt: ${failureText(started.lastFailure)}`;
      }
    }
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
    if (child) begin(event, `${child.workflowType?.name ?? 'workflow'} ${child.workflowId ?? ''}`.trim());

    const done = event.activityTaskCompletedEventAttributes ?? null;
    if (done) end(event, done.scheduledEventId);
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed) end(event, failed.scheduledEventId, failureText(failed.failure));
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) end(event, cancelled.scheduledEventId, 'cancelled');
    const childDone = event.childWorkflowExecutionCompletedEventAttributes;
    if (childDone) end(event, childDone.initiatedEventId);
    const childFailed =
      event.childWorkflowExecutionFailedEventAttributes ??
      event.startChildWorkflowExecutionFailedEventAttributes;
    if (childFailed) {
      const failure = 'failure' in childFailed ? failureText(childFailed.failure) : 'could not be started';
      end(event, childFailed.initiatedEventId, failure);
    }
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === 'core_local_activity') {
      const step = begin(event, 'local activity');
      applyLocalActivity(step, first(marker.details?.data), event, marker.failure);
    }
    const startedRun = event.workflowExecutionStartedEventAttributes;
    if (startedRun) history.input = first(startedRun.input);
    const completedRun = event.workflowExecutionCompletedEventAttributes;
    if (completedRun) history.result = first(completedRun.result);
    const failedRun = event.workflowExecutionFailedEventAttributes;
    if (failedRun) history.failure = failureText(failedRun.failure);
    if (event.workflowExecutionTerminatedEventAttributes) history.failure = 'terminated';
    if (event.workflowExecutionCanceledEventAttributes) history.failure = 'cancelled';
    if (event.workflowExecutionTimedOutEventAttributes) history.failure = 'timed out';
  }
  for (const activity of pending) {
    const step = stepByActivity.get(activity.activityId ?? '');
    if (!step || step.ok !== null) continue;
    step.attempts = activity.attempt ?? step.attempts;
    if (activity.lastFailure) step.note = `last attempt: ${failureText(activity.lastFailure)}`;
  }
  return history;
};

/** A local activity leaves one marker when it ends: `{activity_type, attempt, original_schedule_time, complete_time}`. */
const applyLocalActivity = (
  step: RunStep,
  data: unknown,
  event: HistoryEvent,
  failure: Failure | null | undefined,
): void => {
  const told = (data ?? {}) as {
    activity_type?: string;
    attempt?: number;
    original_schedule_time?: Timestamp;
    complete_time?: Timestamp;
  };
  if (told.activity_type) step.name = told.activity_type;
  step.attempts = told.attempt ?? 1;
  step.startedAtMs = msOf(told.original_schedule_time) || msOf(event.eventTime);
  // The end is told in workflow time, which may stand behind the wall clock of the beginning.
  step.finishedAtMs = Math.max(step.startedAtMs, msOf(told.complete_time));
  step.ok = !failure;
  if (failure) step.note = failureText(failure);
};
