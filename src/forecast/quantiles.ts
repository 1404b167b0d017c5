/**
 * Quantile by the split-conformal rank: the ceil((n + 1) * level)-th smallest of n residuals. With
 * exchangeable residuals the next one lies at or below it with at least this probability (Vovk et al.,
 * Algorithmic Learning in a Random World, 2005; Lei et al., JASA 2018).
 *
 * @param sorted ascending, not empty
 * @param level in (0, 1)
 */
export const conformalQuantile = (sorted: Float64Array, level: number): number => {
  const rank = Math.ceil((sorted.length + 1) * level);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] as number;
};

/**
 * Weighted median: the smallest value at which half of the weight has been reached.
 *
 * @param values not empty; weights has the same length, all above 0
 */
export const weightedMedian = (values: readonly number[], weights: readonly number[]): number => {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const half = weights.reduce((sum, w) => sum + w, 0) / 2;
  let reached = 0;
  for (const i of order) {
    reached += weights[i] as number;
    if (reached >= half) return values[i] as number;
  }
  return values[order[order.length - 1] as number] as number;
};

/** Median of a few values; not empty. */
export const median = (values: readonly number[]): number =>
  weightedMedian(
    values,
    values.map(() => 1),
  );

/** Median of many values, NaN of none; for an even number the mean of the two in the middle. */
export const medianOf = (values: readonly number[]): number => {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Scratch of `weightedMidmean` and of those who fill it: values with their weights, sorted in place. */
export class WeightedValues {
  readonly values: Float64Array;
  readonly weights: Float64Array;
  count = 0;

  constructor(capacity: number) {
    this.values = new Float64Array(capacity);
    this.weights = new Float64Array(capacity);
  }

  clear(): void {
    this.count = 0;
  }

  /** Inserts in ascending order: fast for the few values that it is used for. */
  insert(value: number, weight: number): void {
    const { values, weights } = this;
    let i = this.count++;
    while (i > 0 && values[i - 1]! > value) {
      values[i] = values[i - 1]!;
      weights[i] = weights[i - 1]!;
      i--;
    }
    values[i] = value;
    weights[i] = weight;
  }

  /**
   * Mean of what lies between two weighted quantiles: as deaf to a wild value as the median, steadier where
   * there are few. (0.25, 0.75) is the interquartile mean.
   * @returns NaN of nothing
   */
  meanBetween(low: number, high: number): number {
    const { values, weights, count } = this;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i]!;
    let [reached, sum, inside] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const next = reached + weights[i]!;
      const share = Math.min(next, high * total) - Math.max(reached, low * total);
      if (share > 0) {
        sum += share * values[i]!;
        inside += share;
      }
      reached = next;
    }
    return inside > 0 ? sum / inside : NaN;
  }
}
