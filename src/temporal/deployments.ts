import type { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { SwarmError, channelControl, searchAttributeNames } from '../domain';
import { retried } from '../platform/retry';
import { grpcStatus, isGrpc } from './grpc-status';

/** The part of a connection that deployments are asked by; a worker has another connection than a client. */
export type DeploymentService = Pick<
  Connection['workflowService'],
  'describeWorkerDeployment' | 'setWorkerDeploymentCurrentVersion'
>;

const QUEUES_KNOWN_WITHIN = { firstMs: 250, longestMs: 1_000, patienceMs: 5_000 };

/** A worker deployment as the server knows it. */
export interface Deployment {
  name: string;
  /** Build that new workflows begin on; null: workers without a deployment take them. */
  currentBuildId: string | null;
  /** Nobody ever said which build is the current one. */
  isNew: boolean;
  /** The newest first. */
  builds: DeploymentBuild[];
}

export interface DeploymentBuild {
  buildId: string;
  /** `draining`: runs that are pinned to it go on; `drained`: its workers can be ended. */
  status: 'inactive' | 'current' | 'ramping' | 'draining' | 'drained' | 'unknown';
  createdAtMs: number | null;
}

const { WorkerDeploymentVersionStatus: Status } = temporal.api.enums.v1;

const statusWords: Partial<
  Record<temporal.api.enums.v1.WorkerDeploymentVersionStatus, DeploymentBuild['status']>
> = {
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE]: 'inactive',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT]: 'current',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING]: 'ramping',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING]: 'draining',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED]: 'drained',
};

/** What the server knows of a deployment; null before its first worker came. @throws what the server threw */
export const readDeployment = async (
  service: DeploymentService,
  namespace: string,
  name: string,
): Promise<Deployment | null> => {
  try {
    const { workerDeploymentInfo: info } = await service.describeWorkerDeployment({
      namespace,
      deploymentName: name,
    });
    const builds = (info?.versionSummaries ?? []).map(({ deploymentVersion, status, createTime }) => ({
      buildId: deploymentVersion?.buildId ?? '',
      status:
        statusWords[status ?? Status.WORKER_DEPLOYMENT_VERSION_STATUS_UNSPECIFIED] ?? ('unknown' as const),
      createdAtMs: createTime?.seconds ? Number(createTime.seconds) * 1_000 : null,
    }));
    return {
      name,
      currentBuildId: info?.routingConfig?.currentDeploymentVersion?.buildId || null,
      isNew: !info?.routingConfig?.currentVersionChangedTime,
      builds: builds.sort((one, other) => (other.createdAtMs ?? 0) - (one.createdAtMs ?? 0)),
    };
  } catch (error) {
    if (isGrpc(error, grpcStatus.NOT_FOUND)) return null;
    throw error;
  }
};

/**
 * Makes a build the one that new workflows begin on. Those that are pinned to another one go on there.
 * @param buildId null: workers without a deployment take new workflows
 * @throws SwarmError not-found for a build that the deployment does not have; conflict where its workers do not poll all
 * that the current ones do
 */
export const setCurrentBuild = async (
  service: DeploymentService,
  namespace: string,
  name: string,
  buildId: string | null,
): Promise<void> => {
  const ask = () =>
    service.setWorkerDeploymentCurrentVersion({
      ...{ namespace, deploymentName: name, buildId: buildId ?? '' },
      ...{ identity: 'encoder-swarm', ignoreMissingTaskQueues: buildId === null },
    });
  try {
    // A worker that has just started makes its task queues known one after the other.
    await retried(ask, {
      ...QUEUES_KNOWN_WITHIN,
      isTransient: (error) => isGrpc(error, grpcStatus.FAILED_PRECONDITION),
    });
  } catch (error) {
    const { details, message } = error as { details?: string; message: string };
    if (isGrpc(error, grpcStatus.NOT_FOUND)) {
      throw new SwarmError(
        'not-found',
        `Worker deployment ${name} has no build ${buildId ?? ''}: ${details ?? message}.`,
        'Start a worker of that build first. `encoder-swarm deployment show` lists those that are known.',
      );
    }
    if (isGrpc(error, grpcStatus.FAILED_PRECONDITION))
      throw new SwarmError(
        'conflict',
        `Build ${buildId ?? ''} can't become the current one: ${details ?? message}.`,
      );
    throw error;
  }
};

/** Has every entity of a cell look for the current build, however long it would rest. @returns how many were asked */
export const wakeEntities = async (client: Client, cell: string): Promise<number> => {
  const query =
    `${searchAttributeNames.cell} = "${cell}" AND WorkflowType IN ("swarm", "channel", "versions") ` +
    `AND ExecutionStatus = "Running"`;
  let asked = 0;
  for await (const { workflowId } of client.workflow.list({ query })) {
    // Each of them has a signal of this name. One that has just ended needs none.
    await client.workflow
      .getHandle(workflowId)
      .signal(channelControl.wake)
      .catch(() => undefined);
    asked += 1;
  }
  return asked;
};
