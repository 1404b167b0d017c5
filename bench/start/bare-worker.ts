import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { retried } from '../../src/platform/retry';

/** A worker of one empty workflow, bundled before as those of a swarm are: `bare-worker ADDRESS TASK-QUEUE BUNDLE`. */
const main = async (): Promise<void> => {
  const [address, taskQueue, codePath] = process.argv.slice(2) as [string, string, string];
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const connect = (): Promise<NativeConnection> => NativeConnection.connect({ address });
  const connection = await retried(connect, { firstMs: 100, longestMs: 100, patienceMs: 30_000 });
  const worker = await Worker.create({ connection, taskQueue, workflowBundle: { codePath } });
  await worker.run();
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
