import type { CellForecast, DemandCurve } from '../domain';
import { sumCurves } from '../forecast';

/**
 * Demand of an encoder: the sum of its channels' curves, step by step, in encode units. Adding quantiles supposes that
 * the channels grow together, which errs on the safe side for P90.
 * @returns null when no forecast covers one of the channels
 */
export const encoderDemand = (
  forecast: CellForecast | null,
  channelIds: readonly string[],
): DemandCurve | null => {
  if (!forecast) return null;
  const curves = channelIds.flatMap((id) => forecast.channelUnits[id] ?? []);
  return curves.length === channelIds.length ? sumCurves(curves, 1, forecast.horizonSteps) : null;
};

/** Highest value of a curve; null for none. */
export const peakOf = (values: readonly number[] | undefined): number | null =>
  values?.length ? Math.max(...values) : null;
