import type { CellForecast, DemandCurve } from '../domain';

/**
 * Demand of an encoder: the sum of its channels' curves, step by step, in encode units. Adding quantiles supposes that
 * the channels grow together, which errs on the safe side for P90.
 * @returns null when no forecast covers one of the channels
 */
export const demandOf = (
  forecast: CellForecast | null,
  channelIds: readonly string[],
): DemandCurve | null => {
  if (!forecast) return null;
  const zeros = (): number[] => Array.from({ length: forecast.horizonSteps }, () => 0);
  const sum: DemandCurve = { p10: zeros(), p50: zeros(), p90: zeros() };
  for (const id of channelIds) {
    const curve = forecast.channelUnits[id];
    if (!curve) return null;
    for (const quantile of ['p10', 'p50', 'p90'] as const) {
      curve[quantile].forEach((units, step) => {
        sum[quantile][step] = (sum[quantile][step] ?? 0) + units;
      });
    }
  }
  return sum;
};

/** Highest value of a curve; null for none. */
export const peakOf = (values: readonly number[] | undefined): number | null =>
  values?.length ? Math.max(...values) : null;
