import type { Command } from 'commander';
import { readEnvironment, type Environment } from '../../config/config';
import { SwarmError } from '../../domain';
import type { Deployment } from '../../temporal/deployments';
import { contextOf } from '../context';

const READS =
  '\nReads SWARM_WORKER_DEPLOYMENT, SWARM_CELL, and how Temporal is reached, as the worker does.\n';

export const addDeployment = (program: Command): void => {
  const deployment = program
    .command('deployment')
    .description('builds of the workers: which is there, which takes new work');

  deployment
    .command('show')
    .description('builds of the worker deployment; workers of one that is drained can be ended')
    .addHelpText('after', `${READS}\nExample:\n  encoder-swarm deployment show`)
    .action(async (_options: object, command: Command) => {
      const { print } = contextOf(command);
      const known = await withTemporal(async ({ name, read }) => {
        const found = await read();
        if (found) return found;
        throw new SwarmError(
          'not-found',
          `Temporal knows no worker deployment ${name}.`,
          'Start a worker with this SWARM_WORKER_DEPLOYMENT.',
        );
      });
      print(known, () => deploymentLines(known));
    });

  deployment
    .command('promote')
    .description('make a build the one that takes new work; moves that are under way end on theirs')
    .argument('[build]', 'build id (default: the build of this installation)')
    .option('--unversioned', 'workers without a deployment take new work again')
    .addHelpText(
      'after',
      `${READS}\nExamples:\n  encoder-swarm deployment promote\n  encoder-swarm deployment promote 3f9c2a7be011`,
    )
    .action(async (given: string | undefined, options: { unversioned?: true }, command: Command) => {
      const { print } = contextOf(command);
      const { ownVersion } = await import('../../worker/own-version');
      const woken = await withTemporal(async ({ environment, name, promote }) => {
        const buildId = options.unversioned ? null : (given ?? ownVersion(environment)?.buildId ?? '');
        return { deployment: name, currentBuildId: buildId, ...(await promote(buildId)) };
      });
      const { currentBuildId, entities } = woken;
      print(woken, () => [
        `${currentBuildId ?? 'workers without a deployment'} ${currentBuildId ? 'takes' : 'take'} new work; ` +
          `${entities} workflows that never end were asked to go over.`,
      ]);
    });
};

interface OfDeployment {
  environment: Environment;
  name: string;
  read: () => Promise<Deployment | null>;
  promote: (buildId: string | null) => Promise<{ entities: number }>;
}

/** @throws SwarmError bad-request without a deployment; unavailable */
const withTemporal = async <T>(work: (of: OfDeployment) => Promise<T>): Promise<T> => {
  const environment = readEnvironment();
  const { SWARM_WORKER_DEPLOYMENT: name, SWARM_CELL: cell } = environment;
  if (name === undefined)
    throw new SwarmError(
      'bad-request',
      'SWARM_WORKER_DEPLOYMENT is not set, so workers have no builds.',
      'Set it to the name that the workers have it set to.',
    );
  const [{ connectTemporal }, { readDeployment, setCurrentBuild, wakeEntities }] = await Promise.all([
    import('../../temporal/client'),
    import('../../temporal/deployments'),
  ]);
  const temporal = await connectTemporal(environment);
  const { client } = temporal;
  const { namespace } = client.options;
  try {
    return await work({
      ...{ environment, name },
      read: () => readDeployment(client.workflowService, namespace, name),
      promote: async (buildId) => {
        await setCurrentBuild(client.workflowService, namespace, name, buildId);
        return { entities: await wakeEntities(client, cell) };
      },
    });
  } finally {
    await temporal.close();
  }
};

const deploymentLines = ({ name, currentBuildId, builds }: Deployment): string[] => [
  `worker deployment ${name}: ${currentBuildId ? `${currentBuildId} takes new work` : 'workers without a deployment take new work'}`,
  ...builds.map(({ buildId, status, createdAtMs }) => {
    const since = createdAtMs === null ? '' : `, first seen ${new Date(createdAtMs).toISOString()}`;
    return `  ${buildId}: ${status}${since}`;
  }),
];
