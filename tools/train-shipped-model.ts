import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import {
  QuantileNet,
  ScaledSeries,
  forecastOrigins,
  generatedSeries,
  heldBackWindows,
  scoreWindows,
} from '../src/forecast/net';
import { beginTraining, trainEpoch, trainable, type TrainingPlan } from '../src/forecast/net';
import { writeModel } from '../src/models';
import { loadBackEnd } from '../src/models/back-ends';
import { wholeNumberOption } from '../src/platform/terminal/number-option';

/** Share of each kind of series: steps in seconds, steps of history, steps ahead. */
const KINDS = [
  { share: 3, stepSeconds: 3_600, steps: 960, horizonSteps: 24 },
  { share: 1, stepSeconds: 3_600, steps: 960, horizonSteps: 72 },
  { share: 0.3, stepSeconds: 1_800, steps: 1_440, horizonSteps: 48 },
  { share: 0.5, stepSeconds: 900, steps: 1_500, horizonSteps: 48 },
  { share: 1.5, stepSeconds: 300, steps: 2_900, horizonSteps: 12 },
  { share: 0.2, stepSeconds: 60, steps: 11_600, horizonSteps: 60 },
];
const WITH_EVENTS = 0.3;
/** Far from the seeds of the training set, so that no series is in both. */
const HELD_BACK_SEED = 1_000;

const generate = (unit: number, seed: number): ScaledSeries[] =>
  KINDS.flatMap(({ share, ...shape }, kind) =>
    generatedSeries({
      ...shape,
      count: Math.round(share * unit),
      seed: seed + kind,
      withEvents: WITH_EVENTS,
    }),
  ).map((one) => new ScaledSeries(one));

const main = async (options: { seed: number; epochs: number; unit: number; out: string }): Promise<void> => {
  const backEnd = await loadBackEnd();
  console.log(`training on generated series only; seed ${options.seed}, back end ${backEnd.name}`);
  const series = trainable(generate(options.unit, options.seed));
  const plan: TrainingPlan = {
    seed: options.seed,
    epochs: options.epochs,
    batchesPerEpoch: 200,
    batchSize: 256,
    learningRate: 2e-3,
  };
  const bar = new SingleBar({
    format: '[{bar}] {value} of {total} epochs, {eta_formatted} left',
    noTTYOutput: false,
  });
  if (process.stderr.isTTY) bar.start(plan.epochs, 0);
  const startedAt = performance.now();
  let state = beginTraining(plan);
  let loss = NaN;
  while (state.epochsDone < plan.epochs) {
    ({ state, loss } = await trainEpoch(series, plan, state));
    if (bar.isActive) bar.update(state.epochsDone);
    else if (state.epochsDone % 25 === 0) console.log(`epoch ${state.epochsDone}: loss ${loss.toFixed(5)}`);
  }
  if (bar.isActive) bar.stop();
  const net = new QuantileNet(state.weights);
  const windows = heldBackWindows(generate(Math.ceil(options.unit / 6), options.seed + HELD_BACK_SEED));
  const candidate = scoreWindows(windows, forecastOrigins(net, windows));
  const manifest = await writeModel(
    options.out,
    {
      id: `shipped-${options.seed}`,
      trainedAtMs: Date.now(),
      data: {
        description: `${series.length} generated series, steps of 60 s to 3,600 s; no real trace`,
        fromMs: 0,
        toMs: 0,
        stepSeconds: 3_600,
        daySteps: 24,
        series: series.length,
      },
      training: {
        ...plan,
        startedFrom: null,
        backEnd: backEnd.name,
        loss,
        seconds: Math.round((performance.now() - startedAt) / 1000),
      },
      scores: { windows: windows.length, candidate, inUse: null },
      accepted: candidate.pinball < 1,
      why: 'ships with the project; scored on generated series of other seeds',
    },
    state.weights,
  );
  console.log(JSON.stringify(manifest, null, 2));
};

const positive = wholeNumberOption(1);

const program = new Command('train-shipped-model')
  .description('Trains the model that ships with the project, on generated series.')
  .option('--seed <n>', 'seed of every random choice', positive, 7)
  .option('--epochs <n>', 'of 200 batches', positive, 200)
  .option('--unit <n>', 'number of series of a kind with share 1', positive, 600)
  .option('--out <folder>', 'where to write it', join('data', 'models', 'shipped'))
  .parse();

main(program.opts()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
