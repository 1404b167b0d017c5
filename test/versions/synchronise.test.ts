import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities';
import { SwarmError, synchroniseWorkflowId, type EncoderUpdate } from '../../src/domain';
import { eventually } from '../support/until';
import { FakeActivities } from '../workflows/support/fake-activities';
import { Workbench } from '../workflows/support/workbench';

let bench: Workbench;
let swarm: FakeActivities;
let asked: string[];

beforeAll(async () => {
  bench = await Workbench.open();
}, 60_000);
afterAll(() => bench.close());

const update: EncoderUpdate = {
  ...{ encoderId: 'enc-1', buildId: 'new', runs: 'old', isIdle: false, fitness: 0.5 },
  why: 'enc-1 runs old, not new',
};

/** Runs on a swarm whose only fault is what is given. */
const start = async (faults: Partial<Activities> = {}): Promise<WorkflowHandle> => {
  swarm = new FakeActivities();
  swarm.rules = () => bench.rules();
  asked = swarm.calls;
  bench.use(
    swarm.activities({
      requestCordon: async ({ encoderId }) => void asked.push(`cordon ${encoderId}`),
      requestUncordon: async ({ encoderId }) => void asked.push(`uncordon ${encoderId}`),
      channelsOn: async () => [],
      ...faults,
    }),
  );
  return bench.client.workflow.start('synchronise', {
    workflowId: synchroniseWorkflowId(bench.cell),
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, update }],
  });
};

test('cordons, sets the build, tests, and lets it take work', async () => {
  const handle = await start();
  expect(await handle.result()).toEqual({ done: true });
  expect(asked).toEqual(['cordon enc-1', 'build new on enc-1', 'self-test enc-1', 'uncordon enc-1']);
});

test('a build that fails halts all, before the encoder gets back what it ran', async () => {
  const handle = await start({
    selfTest: async ({ digest }) => {
      asked.push(`self-test of ${digest.slice(0, 3)}`);
      if (digest.startsWith('new')) throw new SwarmError('encoder-incompatible', 'it fails its self-test');
      return { atMs: Date.now() };
    },
  });
  expect(await handle.result()).toEqual({ done: false });
  expect(asked).toEqual([
    ...['cordon enc-1', 'build new on enc-1', 'self-test of new', 'halt for enc-1: it fails its self-test'],
    ...['cordon enc-1', 'build before on enc-1', 'self-test of bbb', 'uncordon enc-1'],
  ]);
});

test('an encoder whose former build nobody knows stays cordoned', async () => {
  const handle = await start({
    planUpdate: async () => ({
      build: { buildId: 'new', executablePath: '/new', digest: 'n'.repeat(64) },
      before: null,
    }),
    setEncoderBuild: async () => {
      throw new SwarmError('encoder-incompatible', 'it does not start');
    },
  });
  expect(await handle.result()).toEqual({ done: false });
  expect(asked).toEqual(['cordon enc-1', 'halt for enc-1: it does not start']);
});

test('without room for its channels it takes work again, and is let alone for a while', async () => {
  const handle = await start({
    channelsOn: async () => ['ch-1'],
    moveAndWait: async ({ channelId }) => ({ channelId, moved: false, retry: false, why: 'nobody has room' }),
  });
  await eventually(async () => asked.includes('uncordon enc-1'), 30_000);
  expect(asked).toEqual(['cordon enc-1', 'uncordon enc-1']);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  await handle.terminate();
}, 40_000);
