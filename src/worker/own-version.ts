import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';

/** Where the build of this installation is named: beside the compiled sources, or (under jest) in dist/. */
const buildIdFiles = [
  join(__dirname, '..', '..', 'build-id'),
  resolve(__dirname, '..', '..', 'dist', 'build-id'),
];

/**
 * The version of the worker deployment that this worker is; null where the cell has no deployment.
 * @throws SwarmError bad-request where the build has no name
 */
export const ownVersion = (environment: Environment): WorkerDeploymentVersion | null => {
  const { SWARM_WORKER_DEPLOYMENT: deploymentName, SWARM_WORKER_BUILD_ID: given } = environment;
  if (deploymentName === undefined) return null;
  const file = buildIdFiles.find((path) => existsSync(path));
  const buildId = given ?? (file === undefined ? '' : readFileSync(file, 'utf8').trim());
  if (buildId !== '') return { deploymentName, buildId };
  throw new SwarmError(
    'bad-request',
    'This build of the worker has no name, and a worker deployment needs one.',
    'Build it with `npm run build`, or set SWARM_WORKER_BUILD_ID.',
  );
};
