import { makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { Workflow } from '@temporalio/common';

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
