import { patched, workflowInfo } from '@temporalio/workflow';
import { refusal } from './failures';

/**
 * Temporal terminates a workflow with 51,200 events or 50 MiB of history, and with it what it carried. A run that waits
 * for its handlers before it begins the next one must not wait that long: a handler may hang for hours.
 */
const MOST_EVENTS = 20_000;
const MOST_BYTES = 20 * 1024 * 1024;

const isFull = (): boolean => {
  const { historyLength, historySize } = workflowInfo();
  return historyLength >= MOST_EVENTS || historySize >= MOST_BYTES;
};

/**
 * For workflows that act by themselves: whether a run must end now, with whatever handler is still at work. What must
 * happen in the end may not be in one.
 */
export const mustEndRun = (): boolean => isFull() && patched('bounded-runs');

/**
 * A validator, for workflows that act on request only, that also refuses where the history is full: no more of them until
 * those at work have ended and the next run has begun. What a validator refuses leaves nothing in the history.
 */
export const whileThereIsRoom =
  <Args extends unknown[]>(validate: (...args: Args) => void = () => undefined) =>
  (...args: Args): void => {
    if (isFull()) {
      throw refusal(
        'unavailable',
        'What was asked before has filled the history of this workflow, and some of it has not ended.',
        'It takes requests again once that has ended. See in Temporal what it waits for.',
      );
    }
    validate(...args);
  };
