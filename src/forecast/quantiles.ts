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
