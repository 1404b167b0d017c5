/**
 * Sums of a least-squares problem: X'X (lower triangle) and X'y, row after row. Sums of parts of the rows can be
 * added and subtracted, which makes leave-one-block-out fits cheap.
 */
export class NormalEquations {
  /** Size x size, row-major; only j <= i is filled. */
  readonly xtx: Float64Array;
  readonly xty: Float64Array;

  constructor(readonly size: number) {
    this.xtx = new Float64Array(size * size);
    this.xty = new Float64Array(size);
  }

  addRow(features: Float64Array, target: number): void {
    const { size, xtx, xty } = this;
    for (let i = 0; i < size; i++) {
      const xi = features[i]!;
      if (xi === 0) continue;
      xty[i]! += xi * target;
      const row = i * size;
      for (let j = 0; j <= i; j++) xtx[row + j]! += xi * features[j]!;
    }
  }

  add(other: NormalEquations, sign: 1 | -1 = 1): this {
    for (let i = 0; i < this.xtx.length; i++) this.xtx[i]! += sign * other.xtx[i]!;
    for (let i = 0; i < this.size; i++) this.xty[i]! += sign * other.xty[i]!;
    return this;
  }

  copy(): NormalEquations {
    return new NormalEquations(this.size).add(this);
  }
}

/** Keeps the pivots of the decomposition above 0 where features are constant or copies of each other. */
const MIN_PIVOT = 1e-10;

/**
 * Ridge regression by Cholesky decomposition of X'X with its diagonal times (1 + shrinkage): the penalty of
 * each coefficient follows the size of its feature, so features need no common unit.
 *
 * @returns one coefficient per feature; all 0 where there were no rows
 */
export const solveRidge = ({ size, xtx, xty }: NormalEquations, shrinkage: number): Float64Array => {
  const l = Float64Array.from(xtx);
  const b = Float64Array.from(xty);
  for (let i = 0; i < size; i++) {
    const row = i * size;
    const diagonal = l[row + i]! * (1 + shrinkage) + MIN_PIVOT;
    for (let j = 0; j < i; j++) {
      const other = j * size;
      let sum = l[row + j]!;
      for (let k = 0; k < j; k++) sum -= l[row + k]! * l[other + k]!;
      l[row + j] = sum / l[other + j]!;
    }
    let pivot = diagonal;
    for (let k = 0; k < i; k++) pivot -= l[row + k]! ** 2;
    l[row + i] = Math.sqrt(Math.max(pivot, MIN_PIVOT));
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[row + k]! * b[k]!;
    b[i] = sum / l[row + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < size; k++) sum -= l[k * size + i]! * b[k]!;
    b[i] = sum / l[i * size + i]!;
  }
  return b;
};
