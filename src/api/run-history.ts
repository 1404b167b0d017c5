import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { RunStep } from '../contracts/api';
import { redacted } from '../domain';

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
  // A history of an earlier release may hold what is no longer said.
  return redacted(texts.at(-1) ?? 'failed');
};

/**
 * Reads activities, local activities and child workflows out of a workflow's history, with their times and number of
 * attempts, in the order in which they were scheduled.
 * @param pending activities that run or wait for a retry now; their failed attempts are in no history yet
 */
export const readRunHistory = (
  events: readonly HistoryEvent[],
  pending: readonly PendingActivity[],
  decode: DecodePayload,
): RunHistory => {
  const reader = new HistoryReader(decode);
  for (const event of events) reader.read(event);
  for (const activity of pending) reader.readPending(activity);
  return reader.history;
};

class HistoryReader {
  readonly history: RunHistory = { input: undefined, result: undefined, failure: null, steps: [] };
  private readonly stepByEvent = new Map<string, RunStep>();
  private readonly stepByActivity = new Map<string, RunStep>();

  constructor(private readonly decode: DecodePayload) {}

  read(event: HistoryEvent): void {
    this.readRun(event);
    this.readActivity(event);
    this.readChild(event);
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === 'core_local_activity') {
      applyLocalActivity(
        this.begin(event, 'local activity'),
        this.first(marker.details?.data),
        event,
        marker.failure,
      );
    }
  }

  readPending({ activityId, attempt, lastFailure }: PendingActivity): void {
    const step = this.stepByActivity.get(activityId ?? '');
    if (!step || step.ok !== null) return;
    step.attempts = attempt ?? step.attempts;
    if (lastFailure) step.note = `last attempt: ${failureText(lastFailure)}`;
  }

  private readRun(event: HistoryEvent): void {
    const { history } = this;
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) history.input = this.first(started.input);
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed) history.result = this.first(completed.result);
    const failed = event.workflowExecutionFailedEventAttributes;
    if (failed) history.failure = failureText(failed.failure);
    if (event.workflowExecutionTerminatedEventAttributes) history.failure = 'terminated';
    if (event.workflowExecutionCanceledEventAttributes) history.failure = 'cancelled';
    if (event.workflowExecutionTimedOutEventAttributes) history.failure = 'timed out';
  }

  private readActivity(event: HistoryEvent): void {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const step = this.begin(event, scheduled.activityType?.name ?? 'activity');
      this.stepByActivity.set(scheduled.activityId ?? '', step);
    }
    const started = event.activityTaskStartedEventAttributes;
    const step = started && this.stepByEvent.get(String(started.scheduledEventId));
    if (step) {
      step.attempts = started.attempt ?? 1;
      if (started.lastFailure) step.note = `earlier attempt: ${failureText(started.lastFailure)}`;
    }
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) this.end(event, completed.scheduledEventId);
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (failed) this.end(event, failed.scheduledEventId, failureText(failed.failure));
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) this.end(event, cancelled.scheduledEventId, 'cancelled');
  }

  private readChild(event: HistoryEvent): void {
    const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
    if (initiated)
      this.begin(event, `${initiated.workflowType?.name ?? 'workflow'} ${initiated.workflowId ?? ''}`.trim());
    const completed = event.childWorkflowExecutionCompletedEventAttributes;
    if (completed) this.end(event, completed.initiatedEventId);
    const failed = event.childWorkflowExecutionFailedEventAttributes;
    if (failed) this.end(event, failed.initiatedEventId, failureText(failed.failure));
    const notStarted = event.startChildWorkflowExecutionFailedEventAttributes;
    if (notStarted) this.end(event, notStarted.initiatedEventId, 'could not be started');
  }

  private first(payloads: { payloads?: Payload[] | null } | null | undefined): unknown {
    const payload = payloads?.payloads?.[0];
    return payload ? this.decode(payload) : undefined;
  }

  private begin(event: HistoryEvent, name: string): RunStep {
    const summary = event.userMetadata?.summary ? this.decode(event.userMetadata.summary) : undefined;
    const step: RunStep = {
      name: typeof summary === 'string' ? summary : name,
      startedAtMs: msOf(event.eventTime),
      finishedAtMs: null,
      attempts: 1,
      ok: null,
    };
    this.history.steps.push(step);
    this.stepByEvent.set(String(event.eventId), step);
    return step;
  }

  private end(event: HistoryEvent, begunAt: unknown, failure?: string): void {
    const step = this.stepByEvent.get(String(begunAt));
    if (!step) return;
    step.finishedAtMs = msOf(event.eventTime);
    step.ok = failure === undefined;
    if (failure !== undefined) step.note = failure;
  }
}

/** A local activity leaves one marker when it ends: `{activity_type, attempt, original_schedule_time, complete_time}`. */
const applyLocalActivity = (
  step: RunStep,
  data: unknown,
  event: HistoryEvent,
  failure: Failure | null | undefined,
): void => {
  const marker = (data ?? {}) as {
    activity_type?: string;
    attempt?: number;
    original_schedule_time?: Timestamp;
    complete_time?: Timestamp;
  };
  if (marker.activity_type) step.name = marker.activity_type;
  step.attempts = marker.attempt ?? 1;
  step.startedAtMs = msOf(marker.original_schedule_time) || msOf(event.eventTime);
  // The end is in workflow time, which may stand behind the wall clock of the beginning.
  step.finishedAtMs = Math.max(step.startedAtMs, msOf(marker.complete_time));
  step.ok = !failure;
  if (failure) step.note = failureText(failure);
};
