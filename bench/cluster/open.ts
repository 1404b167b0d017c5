import {
  type StepReporter,
  findOrBuildTemporalCluster,
  findOrInstallPostgres,
  requireFreePorts,
} from '../../src/setup';
import { Cluster } from './cluster';
import { CLUSTER_PORTS, clusterLayout } from './layout';

/**
 * Finds or builds what a cluster needs, and starts one.
 * @throws SwarmError unavailable with what could not be had, or which port is taken
 */
export const openCluster = async (options: {
  folder: string;
  portBase: number;
  reporter: StepReporter;
  signal: AbortSignal;
}): Promise<Cluster> => {
  const { folder, portBase, reporter, signal } = options;
  const context = (progress: (line: string) => void) => ({ env: process.env, progress, signal });
  const programs = await reporter.step(
    'temporal-server',
    (progress) => findOrBuildTemporalCluster(context(progress)),
    ({ server }) => `${server.path} (${server.how})`,
  );
  const postgres = await reporter.step(
    'PostgreSQL',
    (progress) => findOrInstallPostgres(context(progress)),
    ({ binDir, how }) => `${binDir} (${how})`,
  );
  await requireFreePorts(
    Array.from({ length: CLUSTER_PORTS }, (_, i) => ({
      ...{ port: portBase + i, usedFor: 'the cluster', hint: 'choose others with --port-base' },
    })),
    '127.0.0.1',
  );
  const layout = clusterLayout(portBase);
  return reporter.step(
    'cluster',
    () => Cluster.start({ folder, layout, programs, postgres, say: (line) => reporter.line(`  ${line}`) }),
    ({ address }) => address,
  );
};
