import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

let quiet = false;

/**
 * Times bare workflows on the same server as the swarm: start to result, milliseconds each.
 * @param activities activities per workflow, one after the other
 */
export const timeBareSagas = async (
  client: Client,
  options: { address: string; namespace: string; activities: number; count: number },
): Promise<number[]> => {
  if (!quiet) Runtime.install({ logger: new DefaultLogger('WARN') });
  quiet = true;
  const taskQueue = `bench-bare-${process.pid}-${options.activities}`;
  const connection = await NativeConnection.connect({ address: options.address });
  const worker = await Worker.create({
    connection,
    namespace: options.namespace,
    taskQueue,
    workflowsPath: require.resolve('./bare-workflow'),
    activities: { nothing: async () => undefined },
  });
  try {
    return await worker.runUntil(async () => {
      const times: number[] = [];
      for (let i = 0; i < options.count; i++) {
        const startedAt = performance.now();
        await client.workflow.execute('bareSaga', {
          taskQueue,
          workflowId: `bench/bare/${process.pid}/${options.activities}/${i}`,
          args: [options.activities],
        });
        times.push(performance.now() - startedAt);
      }
      return times;
    });
  } finally {
    await connection.close();
  }
};
