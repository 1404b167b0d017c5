import { Worker } from '@temporalio/worker';
import { replayFromServer } from '../../src/worker/replay';
import { FakeSwarm } from './support/fake-activities';
import { bundleWorkflows } from './support/temporal';
import { Workbench, moveRequest } from './support/workbench';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
}, 120_000);
afterAll(() => bench.close());

test('a move that this code made replays', async () => {
  const spec = bench.spec();
  bench.use(new FakeSwarm().ownedBy(spec.id, 'enc-1').activities());
  const channel = await bench.startChannel(spec);
  const { workflowId } = await channel.move(moveRequest({ toEncoderId: 'enc-2' }));
  const report = await replayFromServer(bench.client, workflowId);
  expect(report).toMatchObject({ workflowId, workflowType: 'handoff', replays: true });
  expect(report.events).toBeGreaterThan(5);
});

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
});

test('a workflow that the server does not know is refused', async () => {
  await expect(replayFromServer(bench.client, 'handoff/nobody/1')).rejects.toMatchObject({
    code: 'not-found',
  });
});
