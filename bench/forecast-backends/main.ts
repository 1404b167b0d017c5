import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import Table from 'cli-table3';
import { Command } from 'commander';
import { generatedSeries } from '../../src/forecast/net';
import { BACK_ENDS, type BackEndName } from '../../src/models';
import { TrainingFiles, runInThread, readModel, shippedModelFolder } from '../../src/models';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { rounded } from '../lib/statistics';
import type { BackEndFigures, BackEndRun } from './back-end-run';

const HISTORY_STEPS = 6 * 7 * 24;
const HORIZON_STEPS = 24;
const DAY_STEPS = 24;
const STEP_SECONDS = 3_600;

interface Options {
  series: number;
  seed: number;
  retrain: boolean;
  retrainLimit: number;
  buildTfjsNode: boolean;
}

const inThread = async (run: BackEndRun): Promise<BackEndFigures | { why: string }> => {
  const program = join(__dirname, `back-end-run${extname(__filename)}`);
  const thread = new Worker(program, { workerData: run, env: SHARE_ENV });
  const [answer] = await once(thread, 'message');
  await thread.terminate();
  return answer as BackEndFigures | { why: string };
};

/** The way that the swarm retrains: thread, checkpoints, evaluation of the candidate and of the model in use. */
const retrainSeconds = async (
  name: BackEndName,
  options: Options,
): Promise<{ seconds: number; cpuSeconds: number; pinball: number }> => {
  const folder = await mkdtemp(join(tmpdir(), 'swarm-retrain-'));
  try {
    const files = new TrainingFiles(folder);
    const series = generatedSeries({
      count: options.series,
      steps: HISTORY_STEPS,
      horizonSteps: HORIZON_STEPS,
      seed: options.seed,
    });
    await files.writeDataset({
      description: 'generated',
      stepSeconds: STEP_SECONDS,
      daySteps: DAY_STEPS,
      horizonSteps: HORIZON_STEPS,
      startMs: 0,
      series: series.map(({ id, history }) => ({ id, history: [...history] })),
    });
    const shipped = shippedModelFolder();
    const model = shipped ? await readModel(shipped) : null;
    const from = model && { id: model.manifest.id, weights: model.weights };
    const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
    await runInThread({ kind: 'train', folder, backEnds: [name], seed: options.seed, startFrom: from });
    const { candidate } = await runInThread({ kind: 'evaluate', folder, backEnds: [name], inUse: from });
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      seconds: (performance.now() - startedAt) / 1000,
      cpuSeconds: (user + system) / 1e6,
      pinball: candidate.pinball,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
};

const buildTfjsNode = async (): Promise<string> => {
  const script = resolve('scripts', 'build-tfjs-node.mjs');
  console.log('building tfjs-node from package registries; some minutes and 550 MB the first time');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return stdout.trim();
};

const main = async (options: Options): Promise<void> => {
  console.log(
    `back ends bench: ${options.series} generated series x ${HISTORY_STEPS} hours, seed ${options.seed}. ` +
      `Repeat: npm run bench:forecast-backends -- --series ${options.series} --seed ${options.seed}`,
  );
  if (options.buildTfjsNode) process.env.SWARM_TFJS_NODE = await buildTfjsNode();
  const runs = [
    ...BACK_ENDS.map((name) => ({ label: name, name, ownMatMul: false })),
    { label: 'wasm, its own BatchMatMul', name: 'wasm' as const, ownMatMul: true },
  ];
  const backEnds: Record<string, Record<string, number | string | null>> = {};
  for (const { label, name, ownMatMul } of runs) {
    const answer = await inThread({ name, ownMatMul, series: options.series, seed: options.seed });
    if (answer.why !== undefined) {
      backEnds[label] = { doesNotLoad: answer.why };
      console.log(`${label}: does not load here: ${answer.why}`);
      continue;
    }
    // Epochs are nearly all of it. One that would take too long is estimated from them, and not run.
    const expectedCpuSeconds = (answer.epochs * answer.epochCpuMs + 2 * answer.forecastCpuMs) / 1000;
    const retrained =
      options.retrain && !ownMatMul && expectedCpuSeconds <= options.retrainLimit
        ? await retrainSeconds(name, options)
        : null;
    backEnds[label] = {
      epochMs: rounded(answer.epochMs, 0),
      epochCpuMs: rounded(answer.epochCpuMs, 0),
      batchesPerEpoch: answer.batchesPerEpoch,
      loss: rounded(answer.loss, 5),
      forecastMs: rounded(answer.forecastMs, 0),
      forecastCpuMs: rounded(answer.forecastCpuMs, 0),
      retrainExpectedCpuSeconds: rounded(expectedCpuSeconds, 0),
      retrainCpuSeconds: rounded(retrained?.cpuSeconds ?? null, 1),
      retrainSeconds: rounded(retrained?.seconds ?? null, 1),
      retrainedPinball: rounded(retrained?.pinball ?? null, 4),
    };
    console.log(`${label}: ${JSON.stringify(backEnds[label])}`);
  }
  const table = new Table({
    head: [
      'back end',
      'epoch ms',
      'CPU',
      'loss',
      `forecast ${options.series} x 24 ms`,
      'CPU',
      'retrain CPU s, from epochs',
      'CPU s',
      's',
      'pinball',
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const [label, f] of Object.entries(backEnds)) {
    const cells = [f.epochMs, f.epochCpuMs, f.loss, f.forecastMs, f.forecastCpuMs];
    const retrain = [f.retrainExpectedCpuSeconds, f.retrainCpuSeconds, f.retrainSeconds, f.retrainedPinball];
    table.push([label, ...[...cells, ...retrain].map((value) => String(value ?? '-'))]);
  }
  console.log(table.toString());
  console.log(
    JSON.stringify({ series: options.series, historySteps: HISTORY_STEPS, seed: options.seed, backEnds }),
  );
};

const wholeNumber = wholeNumberOption(1);

const program = new Command('bench:forecast-backends')
  .description('Trains and forecasts on each back end of TensorFlow.js that loads, side by side.')
  .option('--series <n>', 'generated series of six weeks, hourly', wholeNumber, 1_000)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--no-retrain', 'leave out the whole retraining')
  .option(
    '--retrain-limit <s>',
    'CPU seconds, estimated from the epochs, above which a back end is not retrained on',
    wholeNumber,
    400,
  )
  .option('--build-tfjs-node', 'first build tfjs-node from package registries (Linux x86_64; 550 MB)', false)
  .parse();

main(program.opts<Options>()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
