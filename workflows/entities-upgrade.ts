import { setWorkflowOptions } from '@temporalio/workflow';
import { swarm } from './cycle/swarm';
import { channel } from './moves/channel';
import { versions } from './versions/version-manager';

/**
 * The workflows of a worker deployment whose server can't move a pinned run to another build where it continues as new
 * (src/worker/deployment.ts): entities, which never end, take the current build with their next task. They replay what older builds
 * began, as all code of a release does. Everything else is pinned.
 */
export * from './index';

for (const entity of [channel, swarm, versions]) {
  setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, entity as (...args: never[]) => Promise<never>);
}
