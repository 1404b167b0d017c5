import { FEATURE_COUNT } from './features';

const HIDDEN = 128;
const OUTPUTS = 3;

/** Shapes of the weights, in this order: two hidden layers, the output layer, and the linear path beside them. */
export const WEIGHT_SHAPES: readonly (readonly number[])[] = [
  [FEATURE_COUNT, HIDDEN],
  [HIDDEN],
  [HIDDEN, HIDDEN],
  [HIDDEN],
  [HIDDEN, OUTPUTS],
  [OUTPUTS],
  [FEATURE_COUNT, OUTPUTS],
];
/** Widths of the dropout masks. */
export const DROPOUT_WIDTHS = [HIDDEN, HIDDEN] as const;

/** Name of this architecture and of its inputs: weights of another one are of no use here. */
export const ARCHITECTURE = `mlp-${FEATURE_COUNT}-${HIDDEN}-${HIDDEN}-${OUTPUTS}-linear-path/1`;

export type Weights = readonly Float32Array[];
