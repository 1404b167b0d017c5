import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Environment } from '../../src/config/config';

/** Steps of a handoff that are activities (prepareTarget, awaitPublished), and local activities (the others, and the record). */
export const HANDOFF_STEPS = { activities: 2, local: 5 } as const;

export interface CeilingOptions {
  environment: Environment;
  atOnce: number;
  forMs: number;
  activities: number;
  local: number;
}

/** How many bare workflows the server completes in a second, beside all that it does for the swarm. */
export const measureCeiling = async (client: Client, options: CeilingOptions): Promise<number> => {
  const { environment, atOnce, forMs, activities, local } = options;
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = environment;
  const taskQueue = `bench-ceiling-${activities}-${local}-${process.pid}`;
  const args = [join(__dirname, 'ceiling-worker.js'), address, namespace, taskQueue];
  const worker = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const killNow = (): void => void worker.kill('SIGKILL');
  process.once('exit', killNow);
  const run = (i: number): Promise<unknown> =>
    client.workflow.execute('bareActivities', {
      taskQueue,
      workflowId: `${taskQueue}/${i}`,
      args: [activities, local],
    });
  try {
    // The worker has begun, and what it runs is compiled.
    await run(-1);
    const startedAt = performance.now();
    const endsAt = startedAt + forMs;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < endsAt) await run((next += 1));
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    // All that was begun counts, and so does the time until the last of it has ended: as with handoffs.
    return next / ((performance.now() - startedAt) / 1_000);
  } finally {
    worker.kill('SIGTERM');
    await Promise.race([once(worker, 'exit'), new Promise((resolve) => setTimeout(resolve, 8_000).unref())]);
    killNow();
    process.off('exit', killNow);
  }
};
