import type { Workflow } from '@temporalio/common';
import { defineSignal, makeContinueAsNewFunc, setHandler, workflowInfo } from '@temporalio/workflow';

/**
 * Whether another build of the workers has become the current one, and this run is pinned to its own. The server says so
 * with each task; not every server does (src/worker/deployment.ts).
 */
export const isNewBuildOut = (): boolean => workflowInfo().targetWorkerDeploymentVersionChanged;

/**
 * Ends this run of an entity and begins the next one: on the current build, where there is another one by now. A run that
 * goes on without saying so has declined that build, and is not told of it again.
 */
export const beginNextRun = <F extends Workflow>(...args: Parameters<F>): Promise<never> =>
  makeContinueAsNewFunc<F>(isNewBuildOut() ? { initialVersioningBehavior: 'AUTO_UPGRADE' } : {})(...args);

/** Takes a signal that does nothing. That it brings a task is all of it: with each, the server tells of another build. */
export const heedWake = (name: string): void => setHandler(defineSignal(name), () => undefined);
