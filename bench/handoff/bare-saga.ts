import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

let quiet = false;

/**
 * Times bare workflows on the same server as the swarm: start to result, milliseconds each.
 * @param activities activities per workflow, one after the other
 */
export const timeBareSagas = async (
  client: Client,
  o: { address: string; namespace: string; activities: number; count: number },
): Promise<number[]> => {
  if (!quiet) Runtime.install({ logger: new DefaultLogger('WARN') });
  quiet = true;
  const taskQueue = `bench-bare-${process.pid}-${o.activities}`;
  const connection = await NativeConnection.connect({ address: o.address });
  const worker = await Worker.create({
    connection,
    namespace: o.namespace,
    taskQueue,
    workflowsPath: require.resolve('./bare-workflow'),
    activities: { nothing: async () => undefined },
  });
  try {
    return await worker.runUntil(async () => {
      const times: number[] = [];
      for (let i = 0; i < o.count; i++) {
        const startedAt = performance.now();
        await client.workflow.execute('bareSaga', {
          taskQueue,
          workflowId: `bench/bare/${process.pid}/${o.activities}/${i}`,
          args: [o.activities],
        });
        times.push(performance.now() - startedAt);
      }
      return times;
    });
  } finally {
    await connection.close();
  }
};
