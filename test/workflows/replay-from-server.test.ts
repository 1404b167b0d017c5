import { Worker } from '@temporalio/worker';
import { replayFromServer } from '../../src/worker/replay';
import { runCli } from '../cli/run-cli';
import { FakeActivities } from './support/fake-activities';
import { bundleWorkflows } from './support/temporal';
import { Workbench, moveRequest } from './support/workbench';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
}, 120_000);
afterAll(() => bench.close());

/** `encoder-swarm replay`, as people run it. */
const replayCommand = (...args: string[]) =>
  runCli(['replay', ...args], { env: { TEMPORAL_ADDRESS: bench.environment.address } });

test('a move that this code made replays', async () => {
  const spec = bench.spec();
  bench.use(new FakeActivities().ownedBy(spec.id, 'enc-1').activities());
  const channel = await bench.startChannel(spec);
  const { workflowId } = await channel.move(moveRequest({ toEncoderId: 'enc-2' }));
  const report = await replayFromServer(bench.client, workflowId);
  expect(report).toMatchObject({ workflowId, workflowType: 'handoff', replays: true });
  expect(report.events).toBeGreaterThan(5);

  const told = await replayCommand(workflowId, '--run', report.runId, '--json');
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(told.stdout)).toEqual(report);
}, 180_000);

test('a run of other code does not, and the report says at which event', async () => {
  const taskQueue = 'other-code';
  const worker = await Worker.create({
    connection: bench.environment.nativeConnection,
    taskQueue,
    workflowBundle: await bundleWorkflows(require.resolve('./support/other-code.ts')),
  });
  const workflowId = 'drain/other';
  await worker.runUntil(
    bench.client.workflow.execute('drainEncoder', {
      workflowId,
      taskQueue,
      args: [{ cell: 'c', encoderId: 'enc-1', requestedBy: 'test' }],
    }),
  );
  const { replays, divergence } = await replayFromServer(bench.client, workflowId);
  expect(replays).toBe(false);
  expect(divergence?.message).toMatch(/nondeterminism/i);
  expect(divergence?.eventId).toBe(5);
  expect(divergence?.eventType).toBe('timerStarted');

  const told = await replayCommand(workflowId);
  expect(told.code).toBe(1);
  expect(told.stdout).toContain('does not replay');
  expect(told.stdout).toContain('at event 5 (timerStarted)');
}, 180_000);

test('a workflow that the server does not know is refused', async () => {
  await expect(replayFromServer(bench.client, 'handoff/nobody/1')).rejects.toMatchObject({
    code: 'not-found',
  });
  const refused = await replayCommand('handoff/nobody/1');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('Temporal knows no workflow handoff/nobody/1');
});
