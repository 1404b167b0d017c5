import type { CellForecast, DemandCurve } from '../domain';
import { quantileAt } from './newsvendor';

/**
 * How much of the channels' forecast errors they have in common: an evening that draws more viewers than usual draws
 * them on many channels. Used only where the total was not forecast as a series of its own.
 */
const ERROR_CORRELATION = 0.2;

/** Spread of a sum of equally correlated errors: sqrt((1 - r) * sum of squares + r * square of sum). */
const combinedSpread = (spreads: readonly number[]): number => {
  let sum = 0;
  let squares = 0;
  for (const spread of spreads) {
    sum += spread;
    squares += spread * spread;
  }
  return Math.sqrt((1 - ERROR_CORRELATION) * squares + ERROR_CORRELATION * sum * sum);
};

/** Curve of the sum of many channels. The sum of their P90s would be far above the P90 of their sum. */
export const combinedCurve = (curves: readonly DemandCurve[], horizonSteps: number): DemandCurve => {
  const total: DemandCurve = { p10: [], p50: [], p90: [] };
  for (let step = 0; step < horizonSteps; step++) {
    const at = (values: readonly number[]): number => values[Math.min(step, values.length - 1)] ?? 0;
    const p50 = curves.reduce((sum, curve) => sum + at(curve.p50), 0);
    const above = combinedSpread(curves.map((curve) => at(curve.p90) - at(curve.p50)));
    const below = combinedSpread(curves.map((curve) => at(curve.p50) - at(curve.p10)));
    total.p10.push(Math.max(0, p50 - below));
    total.p50.push(p50);
    total.p90.push(p50 + above);
  }
  return total;
};

/**
 * Units that the whole cell needs at a quantile, per step of the forecast: from the total's own forecast, else
 * combined from those of the channels.
 */
export const totalUnitsAt = (forecast: CellForecast, level: number): number[] => {
  const curve =
    forecast.totalUnits ?? combinedCurve(Object.values(forecast.channelUnits), forecast.horizonSteps);
  return curve.p50.map((_, step) => quantileAt(curve, step, level));
};
