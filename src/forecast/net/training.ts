import * as tf from '@tensorflow/tfjs-core';
// Registers the gradients: tfjs-core alone has none.
import '@tensorflow/tfjs-layers';
import { seededRandom } from '../../domain';
import { DROPOUT_WIDTHS, WEIGHT_SHAPES, type Weights } from './architecture';
import { FEATURE_COUNT, writeFeatures } from './features';
import { QuantileNet, initialWeights, pinballLoss } from './quantile-net';
import { DAYS_BEFORE_ORIGIN, type ScaledSeries } from './scaled-series';

const DROPOUT = 0.1;
const BETA_1 = 0.9;
const BETA_2 = 0.999;

export interface TrainingPlan {
  /** Of every random choice: weights where training begins from nothing, examples, dropout. */
  seed: number;
  epochs: number;
  batchesPerEpoch: number;
  batchSize: number;
  /** At the start; falls to zero along a cosine (Loshchilov and Hutter, ICLR 2017). */
  learningRate: number;
}

/** All that training needs to go on after an epoch. */
export interface TrainingState {
  epochsDone: number;
  weights: Weights;
  /** First and second moments of Adam, as WEIGHT_SHAPES twice; empty before the first epoch. */
  moments: Weights;
}

/** @param from weights to go on from, of a net with the same ARCHITECTURE; absent: random ones */
export const beginTraining = ({ seed }: TrainingPlan, from?: Weights): TrainingState => ({
  epochsDone: 0,
  weights: from ?? initialWeights(seed),
  moments: [],
});

const EPOCHS = 20;
const BATCH_SIZE = 256;
const MAX_BATCHES_PER_EPOCH = 250;
const MIN_BATCHES_PER_EPOCH = 10;
/** A net that has learned what series are like is only adapted. */
const ADAPTING_RATE = 5e-4;
const LEARNING_RATE = 2e-3;

/** How much training a number of series deserves: a small swarm's takes seconds, a thousand series a minute. */
export const planTraining = (
  series: readonly ScaledSeries[],
  { seed, adapts }: { seed: number; adapts: boolean },
): TrainingPlan => {
  const examples = series.reduce(
    (sum, one) => sum + (one.length - DAYS_BEFORE_ORIGIN * one.daySteps) * one.source.horizonSteps,
    0,
  );
  const batches = Math.round(examples / BATCH_SIZE / 2);
  return {
    seed,
    epochs: EPOCHS,
    batchSize: BATCH_SIZE,
    batchesPerEpoch: Math.min(MAX_BATCHES_PER_EPOCH, Math.max(MIN_BATCHES_PER_EPOCH, batches)),
    learningRate: adapts ? ADAPTING_RATE : LEARNING_RATE,
  };
};

class Adam extends tf.AdamOptimizer {
  setLearningRate(rate: number): void {
    this.learningRate = rate;
  }
}

const openAdam = async (plan: TrainingPlan, moments: Weights, steps: number): Promise<Adam> => {
  const adam = new Adam(plan.learningRate, BETA_1, BETA_2);
  if (moments.length === 0) return adam;
  const saved = [
    { name: 'iter', tensor: tf.scalar(steps, 'int32') },
    ...moments.map((values, i) => ({
      name: `moment-${i}`,
      tensor: tf.tensor(Float32Array.from(values), [...WEIGHT_SHAPES[i % WEIGHT_SHAPES.length]!]),
    })),
  ];
  await adam.setWeights(saved);
  tf.dispose(saved.map(({ tensor }) => tensor));
  return adam;
};

const closeAdam = async (adam: Adam): Promise<Weights> => {
  const [iterations, ...moments] = await adam.getWeights();
  const values = moments.map(({ tensor }) => Float32Array.from(tensor.dataSync()));
  iterations!.tensor.dispose();
  adam.dispose();
  return values;
};

/** Examples drawn at random: a series, an origin with enough history, a step ahead whose truth is known. */
const drawBatch = (
  series: readonly ScaledSeries[],
  plan: TrainingPlan,
  random: () => number,
): { features: Float32Array; truth: Float32Array } => {
  const features = new Float32Array(plan.batchSize * FEATURE_COUNT);
  const truth = new Float32Array(plan.batchSize);
  for (let row = 0; row < plan.batchSize;) {
    const one = series[Math.floor(random() * series.length)]!;
    const first = DAYS_BEFORE_ORIGIN * one.daySteps;
    const origin = first + Math.floor(random() * (one.length - first));
    const ahead = Math.floor(random() * Math.min(one.source.horizonSteps, one.length - origin));
    if (!one.knows(origin + ahead)) continue;
    const scale = one.scaleAt(origin);
    writeFeatures(one, origin, ahead, scale, features, row * FEATURE_COUNT);
    truth[row] = (one.logs[origin + ahead]! - scale.level) / scale.spread;
    row++;
  }
  return { features, truth };
};

const dropoutMask = (rows: number, width: number, random: () => number): tf.Tensor2D => {
  const kept = 1 / (1 - DROPOUT);
  const mask = new Float32Array(rows * width);
  for (let i = 0; i < mask.length; i++) mask[i] = random() < DROPOUT ? 0 : kept;
  return tf.tensor2d(mask, [rows, width]);
};

/** Series that are long enough to learn from, with at least one value worth predicting. */
export const trainable = (series: readonly ScaledSeries[]): ScaledSeries[] =>
  series.filter((one) => {
    for (let step = DAYS_BEFORE_ORIGIN * one.daySteps; step < one.length; step++) {
      if (one.knows(step)) return true;
    }
    return false;
  });

/**
 * One epoch on the back end in use. The same state, plan and series give the same bits on the same back end, whether
 * the epochs before ran in this process or in another one: net and optimizer are built from the state each time.
 *
 * @param series `trainable` ones, at least one
 * @returns the state after it, and the mean loss on the net's scale. Leaves no tensor behind.
 */
export const trainEpoch = async (
  series: readonly ScaledSeries[],
  plan: TrainingPlan,
  state: TrainingState,
): Promise<{ state: TrainingState; loss: number }> => {
  const { epochsDone } = state;
  const random = seededRandom(plan.seed + 1_000_003 * (epochsDone + 1));
  const stepsDone = epochsDone * plan.batchesPerEpoch;
  const allSteps = plan.epochs * plan.batchesPerEpoch;
  const net = new QuantileNet(state.weights);
  const adam = await openAdam(plan, state.moments, stepsDone);
  let lossSum = 0;
  for (let batch = 0; batch < plan.batchesPerEpoch; batch++) {
    adam.setLearningRate(
      (plan.learningRate / 2) * (1 + Math.cos((Math.PI * (stepsDone + batch)) / allSteps)),
    );
    const { features, truth } = drawBatch(series, plan, random);
    lossSum += tf.tidy(() => {
      const x = tf.tensor2d(features, [plan.batchSize, FEATURE_COUNT]);
      const y = tf.tensor2d(truth, [plan.batchSize, 1]);
      const masks = DROPOUT_WIDTHS.map((width) => dropoutMask(plan.batchSize, width, random));
      const cost = adam.minimize(() => pinballLoss(net.forward(x, masks), y), true, net.variables);
      return cost!.dataSync()[0]!;
    });
  }
  const weights = net.weights();
  net.dispose();
  const moments = await closeAdam(adam);
  return {
    state: { epochsDone: epochsDone + 1, weights, moments },
    loss: lossSum / plan.batchesPerEpoch,
  };
};
