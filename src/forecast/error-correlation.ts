/** With fewer steps in common an estimate is mostly chance; the bound of 1 then counts as this many more steps. */
const MIN_STEPS = 20;
const PRIOR_STEPS = 50;

const standardisedOver = (values: readonly number[]): number[] | null => {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return variance > 0 ? values.map((v) => (v - mean) / Math.sqrt(variance)) : null;
};

/**
 * Mean correlation between the forecast errors of any two series, drawn towards 1 (the safe side for capacity) where
 * there are few steps to judge by.
 *
 * For N series of unit variance, Var(Σ) = N + N(N - 1)·ρ, so that ρ follows from one sum per step.
 *
 * @param errors one array per series, all over the same steps
 * @returns in [0, 1]; 1 for fewer than 2 series or 20 steps
 */
export const errorCorrelation = (errors: readonly (readonly number[])[]): number => {
  const series = errors.flatMap((values) => {
    const standardised = values.length >= MIN_STEPS ? standardisedOver(values) : null;
    return standardised ? [standardised] : [];
  });
  const steps = Math.min(...series.map((values) => values.length));
  if (series.length < 2) return 1;
  let squares = 0;
  for (let step = 0; step < steps; step++) {
    squares += series.reduce((sum, values) => sum + (values[step] as number), 0) ** 2;
  }
  const count = series.length;
  const estimate = Math.min(1, Math.max(0, (squares / steps - count) / (count * (count - 1))));
  return (steps * estimate + PRIOR_STEPS) / (steps + PRIOR_STEPS);
};
