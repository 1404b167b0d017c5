import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities } from '../../activities';
import type { ErrorCode } from '../../src/domain';

/** How long a worker that was lost during a workflow task holds up that workflow. */
export const WORKFLOW_TASK_TIMEOUT = '5 seconds';

/**
 * How activities are run; each name says the deadline and the retries. Short, idempotent calls between request and
 * commit are local activities: on a small server each activity task costs more than the call itself. What takes long,
 * or matters to a reader of the history, is an activity of its own.
 */

/**
 * Steps that a move waits for: a few quick attempts, since the compensation or another target is quicker. The time
 * limit is on all attempts together: the timer that the SDK keeps per attempt outlives a stopped worker.
 */
export const local8s = proxyLocalActivities<Activities>({
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
export const threeTries60s = proxyActivities<Activities>(longOptions);

/**
 * Where the caller has something better than to ask the same encoder again: another one, or the way back. What is
 * left to retry is a worker that was lost, or an origin that is away for a moment.
 */
export const failFast60s = proxyActivities<Activities>({
  ...longOptions,
  retry: {
    maximumAttempts: 3,
    initialInterval: '100 milliseconds',
    nonRetryableErrorTypes: ['encoder-unreachable', 'timeout'] satisfies ErrorCode[],
  },
});

/** Steps of a rollout or a drain: waits for a host that restarts, or for a worker or server that was lost, but not for ever. */
export const retryFor3min = proxyActivities<Activities>({
  ...longOptions,
  startToCloseTimeout: '100 seconds',
  scheduleToCloseTimeout: '3 minutes',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '3 seconds' },
});

/**
 * Asking a provider for an encoder: a cloud takes minutes. The control cycle does not wait for it; a request that is
 * given up counts as failed, and the need is asked for again.
 */
export const provisioning = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '4 seconds',
  scheduleToCloseTimeout: '10 minutes',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 3, initialInterval: '500 milliseconds', backoffCoefficient: 4 },
});

/** What must happen in the end, however long the part at fault is away. */
export const retryFor6h = proxyActivities<Activities>({
  startToCloseTimeout: '100 seconds',
  heartbeatTimeout: '4 seconds',
  scheduleToCloseTimeout: '6 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/**
 * Looking at the swarm and planning, in one activity. A worker that is lost meanwhile is noticed by its missing heartbeats,
 * and another one looks and plans from the beginning.
 */
export const planning = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  heartbeatTimeout: '4 seconds',
  scheduleToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 2, initialInterval: '100 milliseconds' },
});

/** Looks and requests of a control cycle: late ones are left out. */
export const twoTries4s = proxyActivities<Activities>({
  startToCloseTimeout: '4 seconds',
  retry: { maximumAttempts: 2, initialInterval: '100 milliseconds' },
});

/**
 * Retraining: nothing waits for it, and a worker that was lost costs it the epoch under way. Cancelled, it is waited
 * for, so that its thread has ended.
 */
export const training = proxyActivities<Activities>({
  startToCloseTimeout: '20 minutes',
  heartbeatTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 5, initialInterval: '1 second', backoffCoefficient: 2 },
});
