import { Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { HistoryEvent } from '../../../tools/record-state-fixture/saved-history';
import type { SavedHistory } from './histories';

/** @throws DeterminismViolationError where the workflows of the bundle decide otherwise than the history has it */
export const replaySaved = (
  workflowBundle: WorkflowBundleOption,
  { workflowId, history }: SavedHistory,
): Promise<void> => Worker.runReplayHistory({ workflowBundle }, history, workflowId);

/** The same history, in which another activity or child workflow was started than the code starts. */
export const mutated = (saved: SavedHistory): SavedHistory => {
  const started = ({
    activityTaskScheduledEventAttributes: activity,
    startChildWorkflowExecutionInitiatedEventAttributes: child,
  }: HistoryEvent) => activity?.activityType ?? child?.workflowType ?? undefined;
  const type = (saved.history.events ?? []).map(started).find((found) => found !== undefined);
  if (!type) throw new Error(`${saved.name} starts nothing.`);
  type.name = 'somethingElse';
  return saved;
};
