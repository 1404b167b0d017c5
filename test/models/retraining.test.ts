import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment, type TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { Dependencies, EvaluatedModel, TrainedModel } from '../../activities';
import { retrainingActivities } from '../../activities/forecast/retraining';
import { ModelHolder, ModelStore, TrainingFiles, runInThread } from '../../src/models';
import type { RetrainingResult } from '../../workflows/forecast/retraining';
import { eventually } from '../support/until';
import { bundleWorkflows, startTemporal } from '../workflows/support/temporal';
import { datasetOf, manifestOf, someWeights, temporaryFolder } from './support/datasets';
import { trainingProgram, typescriptHook } from './support/training-program';

let temporal: TestWorkflowEnvironment;
let workflows: Worker;
let workflowsEnded: Promise<void>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let process1: ChildProcess | undefined;
const taskQueue = `retraining-${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  const [started, workflowBundle] = await Promise.all([startTemporal(), bundleWorkflows()]);
  temporal = started;
  workflows = await Worker.create({ connection: temporal.nativeConnection, taskQueue, workflowBundle });
  workflowsEnded = workflows.run();
}, 60_000);
afterAll(async () => {
  workflows.shutdown();
  await workflowsEnded;
  await temporal.teardown();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  if (process1 && process1.exitCode === null && process1.signalCode === null) {
    process1.kill('SIGKILL');
    await once(process1, 'exit');
  }
  await folder.remove();
});

const startActivities = (channels: number): ChildProcess => {
  process1 = spawn(
    process.execPath,
    [
      ...['-r', typescriptHook, join(__dirname, 'support', 'worker-process.ts')],
      ...[temporal.address, taskQueue, folder.path, String(channels)],
    ],
    { stdio: 'inherit' },
  );
  return process1;
};
const startRetraining = () =>
  temporal.client.workflow.start<() => Promise<RetrainingResult>>('retraining', {
    workflowId: `retraining/${randomUUID()}`,
    taskQueue,
    args: [],
  });
const runs = (): string => join(folder.path, 'models', 'local', 'runs');
/** Epochs that the run under way has a checkpoint of. */
const epochsDone = async (): Promise<number> => {
  const [run] = existsSync(runs()) ? await readdir(runs()) : [];
  const checkpoint = run && (await new TrainingFiles(join(runs(), run)).readCheckpoint());
  return checkpoint ? checkpoint.state.epochsDone : 0;
};

test('kill -9 of the worker in the midst of training: another one goes on, and the model is stored with all that is known', async () => {
  const first = startActivities(4);
  const handle = await startRetraining();
  await eventually(async () => (await epochsDone()) >= 3, 60_000);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const reached = await epochsDone();
  startActivities(4);
  const result = await handle.result();
  if (result.outcome === 'skipped') throw new Error(result.why);

  const { models } = await new ModelStore(folder.path, 'local').list();
  const stored = models.find((m) => m.id === result.modelId)!;
  expect(stored.accepted).toBe(result.outcome === 'promoted');
  expect(stored.training).toMatchObject({ seed: result.seed, epochs: 20, startedFrom: models.at(-1)!.id });
  expect(stored.data).toMatchObject({ series: 4, daySteps: 24 });
  expect(stored.data.toMs - stored.data.fromMs).toBe((21 - 2) * 24 * 3_600_000);
  expect(stored.scores.windows).toBe(4 * 6);
  expect(stored.scores.inUse?.id).toBe(models.at(-1)!.id);
  expect(await readdir(runs())).toEqual([]);

  const { events = [] } = await handle.fetchHistory();
  const trained = events!.flatMap(({ activityTaskCompletedEventAttributes: done }) =>
    (done?.result?.payloads ?? []).map((p) => JSON.parse(Buffer.from(p.data!).toString()) as TrainedModel),
  );
  expect(trained.find((t) => t.epochs === 20)?.resumedFromEpoch).toBeGreaterThanOrEqual(reached);
}, 150_000);

test('cancelled in the midst of training: the thread ends, nothing is left, no model is made', async () => {
  startActivities(30);
  const handle = await startRetraining();
  await eventually(async () => (await epochsDone()) >= 1, 60_000);
  await handle.cancel();
  await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect(await readdir(runs())).toEqual([]);
  const { models } = await new ModelStore(folder.path, 'local').list();
  expect(models.map((m) => m.id)).toEqual([expect.stringMatching(/^shipped-/)]);
}, 90_000);

test('with too little history it says so, and leaves the model in use alone', async () => {
  startActivities(0);
  const result = await (await startRetraining()).result();
  expect(result).toEqual({ outcome: 'skipped', why: expect.stringMatching(/too little history yet/) });
}, 60_000);

describe('a candidate that is worse than the model in use on the same windows', () => {
  test('is kept as refused, and not taken into use', async () => {
    const models = new ModelHolder(new ModelStore(folder.path, 'local', null), {
      info: () => undefined,
      warn: () => undefined,
    });
    await models.store.add(manifestOf('good', { trainedAtMs: 1 }), someWeights(0.01));
    await models.refresh();
    const { settleModel } = retrainingActivities({
      cell: 'local',
      stepSeconds: 5,
      forecastInputs: {} as Dependencies['forecastInputs'],
      swarm: {} as Dependencies['swarm'],
      models,
      trainingThread: { program: trainingProgram },
    });
    const run = { runId: 'run-1' };
    const files = new TrainingFiles(join(runs(), 'run-1'));
    await files.writeDataset(datasetOf(1));
    const trained = await runInThread(
      { kind: 'train', folder: files.folder, seed: 1, startFrom: null },
      { program: trainingProgram },
    );
    const score = (pinball: number) => ({ pinball, cover80: 0.8, over90: 0.1 });
    const evaluated: EvaluatedModel = {
      windows: 6,
      evidence: { steps: 48, measured: 48, changed: 40 },
      candidate: score(0.61),
      inUse: { id: 'good', ...score(0.6) },
    };
    const settle = () =>
      new MockActivityEnvironment().run(settleModel, {
        run,
        modelId: 'm-worse',
        atMs: 2,
        trained,
        evaluated,
      });
    const settled = await settle();
    expect(settled).toMatchObject({ accepted: false, why: expect.stringMatching(/0\.610 against 0\.600/) });
    // A retry after the answer was lost finds what the first attempt stored.
    expect(await settle()).toEqual(settled);
    expect(models.inUse()?.modelId).toBe('good');
    expect((await models.store.read('m-worse')).manifest).toMatchObject({
      accepted: false,
      scores: { inUse: { id: 'good', pinball: 0.6 }, candidate: { pinball: 0.61 } },
    });
    models.dispose();
  });
});
