import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrainingFiles, runInThread, type TrainingProgress } from '../../src/models';
import { datasetOf, temporaryFolder } from './support/datasets';
import { trainingProgram, typescriptHook } from './support/training-program';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const runFolder = async (name: string, series = 3): Promise<TrainingFiles> => {
  const files = new TrainingFiles(join(folder.path, name));
  await files.writeDataset(datasetOf(series));
  return files;
};
const task = (files: TrainingFiles) => ({
  kind: 'train' as const,
  folder: files.folder,
  seed: 7,
  startFrom: null,
});

test('a process killed in the midst of training costs nothing but the epoch under way', async () => {
  const [undisturbed, killed] = [await runFolder('undisturbed'), await runFolder('killed')];
  const trainer = spawn(
    process.execPath,
    ['-r', typescriptHook, join(__dirname, 'support', 'train-process.ts'), killed.folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(trainer, 'exit');
  for await (const line of trainer.stdout) {
    if (String(line).includes('epoch 4')) break;
  }
  trainer.kill('SIGKILL');
  await ended;
  const resumed = await runInThread(task(killed), { program: trainingProgram });
  expect(resumed.resumedFromEpoch).toBeGreaterThanOrEqual(4);
  expect(resumed.resumedFromEpoch).toBeLessThan(resumed.epochs);

  const whole = await runInThread(task(undisturbed), { program: trainingProgram });
  expect(whole.resumedFromEpoch).toBe(0);
  const weightsOf = async (files: TrainingFiles) => (await files.readCheckpoint())?.state.weights;
  expect(await weightsOf(killed)).toEqual(await weightsOf(undisturbed));
});

test('meanwhile the event loop goes on, and a cancellation ends the thread', async () => {
  const files = await runFolder('cancelled', 40);
  const cancel = new AbortController();
  const seen: TrainingProgress[] = [];
  let worstGapMs = 0;
  let lastAt = performance.now();
  const clock = setInterval(() => {
    worstGapMs = Math.max(worstGapMs, performance.now() - lastAt);
    lastAt = performance.now();
  }, 10);
  const running = runInThread(task(files), {
    program: trainingProgram,
    signal: cancel.signal,
    onProgress: (progress) => {
      seen.push(progress);
      if (seen.length === 2) cancel.abort(new Error('enough'));
    },
  });
  await expect(running).rejects.toThrow('enough');
  clearInterval(clock);
  expect(seen.map((p) => p.epochsDone)).toEqual([1, 2]);
  expect(worstGapMs).toBeLessThan(2_000);
  const changedAt = async () => (await stat(join(files.folder, 'checkpoint.bin'))).mtimeMs;
  const before = await changedAt();
  await sleep(1_500);
  expect(await changedAt()).toBe(before);
});

test('a checkpoint of other data, another seed or another start is not gone on from', async () => {
  const files = await runFolder('changed', 2);
  await runInThread(task(files), { program: trainingProgram });
  const again = await runInThread(task(files), { program: trainingProgram });
  expect(again.resumedFromEpoch).toBe(again.epochs);
  const other = await runInThread({ ...task(files), seed: 8 }, { program: trainingProgram });
  expect(other.resumedFromEpoch).toBe(0);
  await files.writeDataset(datasetOf(3));
  const moreData = await runInThread({ ...task(files), seed: 8 }, { program: trainingProgram });
  expect(moreData.resumedFromEpoch).toBe(0);
});

test('refusals of the thread come out as they went in', async () => {
  const files = new TrainingFiles(join(folder.path, 'nothing'));
  await expect(runInThread(task(files), { program: trainingProgram })).rejects.toMatchObject({
    name: 'SwarmError',
    code: 'not-found',
  });
  await files.writeDataset(datasetOf(2, 2));
  await expect(runInThread(task(files), { program: trainingProgram })).rejects.toMatchObject({
    code: 'conflict',
    message: 'No series is long enough to train on.',
  });
});
