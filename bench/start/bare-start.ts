import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { temporalServerArgs } from '../../src/launch/temporal-server';
import { retried } from '../../src/platform/retry';

const TASK_QUEUE = 'bench-start';
const LIMIT_MS = 60_000;

/** Bundles the empty workflow. @returns the file */
export const bundleBareWorkflow = async (folder: string): Promise<string> => {
  const quiet = { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} };
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('./bare-workflow'),
    logger: quiet,
  });
  const file = join(folder, 'bare-bundle.js');
  await writeFile(file, code);
  return file;
};

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/**
 * Times a Temporal development server, one worker and one empty workflow, started side by side: milliseconds from the start
 * of both to the result. The server has the arguments of a swarm's, and a database in the folder, which it keeps.
 */
export const timeBareStart = async (options: {
  temporal: string;
  folder: string;
  bundle: string;
  port: number;
  uiPort: number;
}): Promise<number> => {
  const { temporal, folder, bundle, port, uiPort } = options;
  const address = `127.0.0.1:${port}`;
  const startedAt = performance.now();
  const args = temporalServerArgs({ host: '127.0.0.1', port, uiPort, namespace: 'default' });
  const children = [
    spawn(temporal, args, { cwd: folder, stdio: 'ignore' }),
    spawn(process.execPath, [join(__dirname, 'bare-worker.js'), address, TASK_QUEUE, bundle], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  ];
  const endNow = (): void => children.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', endNow);
  try {
    const again = { firstMs: 50, longestMs: 50, patienceMs: LIMIT_MS };
    const connection = await retried(() => Connection.connect({ address, connectTimeout: 500 }), again);
    const client = new Client({ connection });
    const workflowId = `bare/${Date.now()}`;
    await retried(() => client.workflow.execute('nothing', { taskQueue: TASK_QUEUE, workflowId }), again);
    const tookMs = performance.now() - startedAt;
    await connection.close();
    return tookMs;
  } finally {
    children.forEach((child) => child.kill('SIGTERM'));
    const limit = setTimeout(endNow, 10_000);
    await Promise.all(children.map(ended));
    clearTimeout(limit);
    process.off('exit', endNow);
  }
};
