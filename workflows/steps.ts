import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities } from '../activities';

/**
 * How activities are run. Short, idempotent calls between request and commit are local activities: on a small
 * server each activity task costs more than the call itself. What takes long, or matters to a reader of
 * the history, is an activity of its own.
 */

/**
 * Steps that a move waits for: a few quick attempts, since the compensation or another target is quicker. The time
 * limit is on all attempts together: the timer that the SDK keeps per attempt outlives a stopped worker.
 */
export const quick = proxyLocalActivities<Activities>({
  scheduleToCloseTimeout: '8 seconds',
  retry: { maximumAttempts: 3, initialInterval: '50 milliseconds', backoffCoefficient: 2 },
});

/** Work on an encoder or on the media path that takes seconds. Cancelled, it is waited for: a compensation
 * must not race the step that it undoes. */
const longOptions: ActivityOptions = {
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '4 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 3, initialInterval: '100 milliseconds', backoffCoefficient: 2 },
};
export const long = proxyActivities<Activities>(longOptions);

/** One attempt by the caller's own loop; the retry is for a worker that was lost. */
export const longOnce = proxyActivities<Activities>({
  ...longOptions,
  retry: { maximumAttempts: 2, initialInterval: '100 milliseconds' },
});

/** What must happen in the end, however long the part at fault is away. */
export const persistent = proxyActivities<Activities>({
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '4 seconds',
  scheduleToCloseTimeout: '6 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/** Looks and requests of a control cycle: late ones are left out. */
export const prompt = proxyActivities<Activities>({
  startToCloseTimeout: '6 seconds',
  retry: { maximumAttempts: 2, initialInterval: '100 milliseconds' },
});
