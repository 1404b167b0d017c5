import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { workerTuning } from '../../src/worker/worker';

/** A worker for the bare workflow, in a process of its own as the swarm's is: `ceiling-worker ADDRESS NAMESPACE TASK-QUEUE`. */
const main = async (): Promise<void> => {
  const [address, namespace, taskQueue] = process.argv.slice(2) as [string, string, string];
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: ['SIGTERM'] });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    ...{ connection, namespace, taskQueue },
    ...workerTuning,
    workflowsPath: require.resolve('./ceiling-workflow'),
    activities: { nothing: async () => undefined },
  });
  await worker.run();
  await connection.close();
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
