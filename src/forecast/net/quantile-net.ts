import * as tf from '@tensorflow/tfjs-core';
import { seededRandom } from '../../domain';
import { WEIGHT_SHAPES, type Weights } from './architecture';
import { FEATURE_COUNT } from './features';

/** Layers that start at random; the biases and the linear path start at zero. */
const RANDOM_AT_START = [0, 2, 4];

/** Weights to start from: normal, variance 2 / inputs (He et al., ICCV 2015). */
export const initialWeights = (seed: number): Weights => {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return WEIGHT_SHAPES.map((shape, index) => {
    const deviation = RANDOM_AT_START.includes(index) ? Math.sqrt(2 / shape[0]!) : 0;
    return Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => deviation * normal());
  });
};

/**
 * The per-step global net: features in, (P10, P50, P90) out, on the scale of ScaledSeries. Quantiles can't cross: the
 * outer ones are the median less and plus a softplus.
 */
export class QuantileNet {
  readonly variables: tf.Variable[];
  private readonly toQuantiles: tf.Tensor2D;

  /** On the back end in use. @param weights as WEIGHT_SHAPES; copied */
  constructor(weights: Weights) {
    this.variables = WEIGHT_SHAPES.map((shape, index) =>
      tf.tidy(() => tf.variable(tf.tensor(Float32Array.from(weights[index]!), [...shape]))),
    );
    this.toQuantiles = tf.tensor2d([
      [1, 1, 1],
      [-1, 0, 0],
      [0, 0, 1],
    ]);
  }

  /** @param x [rows, FEATURE_COUNT] @param masks dropout, [rows, width] each @returns [rows, 3], to be disposed of */
  forward(x: tf.Tensor2D, masks?: readonly tf.Tensor2D[]): tf.Tensor2D {
    return tf.tidy(() => {
      const [w1, b1, w2, b2, w3, b3, linear] = this.variables;
      let hidden = tf.fused.matMul({ a: x, b: w1 as tf.Tensor2D, bias: b1!, activation: 'relu' });
      if (masks) hidden = tf.mul(hidden, masks[0]!);
      hidden = tf.fused.matMul({ a: hidden, b: w2 as tf.Tensor2D, bias: b2!, activation: 'relu' });
      if (masks) hidden = tf.mul(hidden, masks[1]!);
      const raw = tf.add(tf.add(tf.matMul(hidden, w3!), b3!), tf.matMul(x, linear!));
      const [median, widths] = tf.split(raw, [1, 2], 1);
      return tf.matMul<tf.Tensor2D>(tf.concat([median!, tf.softplus(widths!)], 1), this.toQuantiles);
    });
  }

  /** @param features [rows * FEATURE_COUNT] @returns [rows * 3], row by row P10, P50, P90 */
  predict(features: Float32Array): Float32Array {
    const rows = features.length / FEATURE_COUNT;
    const quantiles = tf.tidy(() => this.forward(tf.tensor2d(features, [rows, FEATURE_COUNT])));
    // Outside of tidy, which would look at each number in what it returns for a tensor.
    const values = quantiles.dataSync<'float32'>();
    quantiles.dispose();
    return values;
  }

  weights(): Weights {
    return this.variables.map((variable) => Float32Array.from(variable.dataSync()));
  }

  dispose(): void {
    tf.dispose([...this.variables, this.toQuantiles]);
  }
}

/**
 * Mean pinball loss of P10, P50 and P90: max(q e, (q - 1) e) = q e + relu(-e) with e = truth - quantile (Koenker and
 * Bassett, Econometrica 1978).
 * @param quantiles [rows, 3] @param truth [rows, 1]
 */
export const pinballLoss = (quantiles: tf.Tensor2D, truth: tf.Tensor2D): tf.Scalar =>
  tf.tidy(() => {
    const error = tf.sub(truth, quantiles);
    return tf.mean(tf.add(tf.mul(error, [[0.1, 0.5, 0.9]]), tf.relu(tf.neg(error))));
  });
