import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Logger } from '../platform/logger';
import { retried } from '../platform/retry';
import { readDeployment, setCurrentBuild, type DeploymentService } from '../temporal/deployments';

/** Oldest server that this was tried on: a run that is pinned to its build begins its next run on the current one. */
const UPGRADES_AT_NEXT_RUN = [1, 30, 8] as const;

/** Whether a server says to pinned runs that another build is current, and begins their next run there. */
export const upgradesAtNextRun = (serverVersion: string): boolean => {
  const given = serverVersion.split('.').map((part) => parseInt(part, 10) || 0);
  const place = UPGRADES_AT_NEXT_RUN.findIndex((least, i) => (given[i] ?? 0) !== least);
  return place < 0 || (given[place] ?? 0) > (UPGRADES_AT_NEXT_RUN[place] ?? 0);
};

/**
 * Which workflows a worker of a deployment runs, and how. All runs are pinned to the build that they began on; those of
 * entities begin their next run on the current one. Where the server can't do that, entities take the current build with
 * their next task (workflows/entities-upgrade.ts).
 * @param plain the workflows as a worker without a deployment has them
 */
export const versionedOptions = async (
  version: WorkerDeploymentVersion,
  connection: Pick<NativeConnection, 'workflowService'>,
  plain: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>,
): Promise<Partial<WorkerOptions>> => {
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const workflows = upgradesAtNextRun(serverVersion)
    ? plain
    : { workflowsPath: require.resolve('../../workflows/entities-upgrade') };
  return {
    ...workflows,
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
  };
};

/** Until the server knows a worker that has begun to poll. */
const KNOWN_WITHIN = { firstMs: 200, longestMs: 5_000, patienceMs: Infinity };

/**
 * Makes the first build of a deployment the current one: somebody has to take the workflows. Of later ones, an operator
 * says when (`encoder-swarm deployment promote`). Never throws; ends when the signal is aborted.
 */
export const becomeFirst = async (options: {
  version: WorkerDeploymentVersion;
  service: DeploymentService;
  namespace: string;
  signal: AbortSignal;
  log: Logger;
}): Promise<void> => {
  const { version, service, namespace, signal, log } = options;
  const { deploymentName, buildId } = version;
  const look = async (): Promise<void> => {
    const known = await readDeployment(service, namespace, deploymentName);
    if (!known?.builds.some((build) => build.buildId === buildId))
      throw new Error('the server does not know it yet');
    if (!known.isNew) {
      const { currentBuildId } = known;
      if (currentBuildId !== buildId)
        log.info({ deploymentName, buildId, currentBuildId }, 'another build is the current one');
      return;
    }
    await setCurrentBuild(service, namespace, deploymentName, buildId);
    log.info({ deploymentName, buildId }, 'the first build of its deployment is the current one');
  };
  await retried(look, { ...KNOWN_WITHIN, signal }).catch((error: unknown) => {
    if (!signal.aborted)
      log.warn({ cause: (error as Error).message, deploymentName, buildId }, 'no build is current');
  });
};
