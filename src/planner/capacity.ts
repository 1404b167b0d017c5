import type { CellForecast, DemandCurve } from '../domain';
import { quantileAt } from './newsvendor';
import { toQuanta, toUnits } from './quanta';

/**
 * How much of the channels' forecast errors they have in common: an evening that draws more viewers than usual draws
 * them on many channels. Used only where the total was not forecast as a series of its own.
 */
const ERROR_CORRELATION = 0.2;
/** Spreads are squared in whole thousandths of a unit, so that sums of 100,000 squares of 100 units are exact. */
const GRAINS_PER_UNIT = 1e3;

/** Sum of forecasts' distances from their median, and of the squares of these. */
class Spread {
  private sum = 0;
  private squares = 0;

  add(units: number, sign: 1 | -1): void {
    const grains = Math.round(units * GRAINS_PER_UNIT);
    this.sum += sign * grains;
    this.squares += sign * grains * grains;
  }

  /** Spread of a sum of equally correlated errors: sqrt((1 - r) * sum of squares + r * square of sum). */
  get combinedUnits(): number {
    const { sum, squares } = this;
    return Math.sqrt((1 - ERROR_CORRELATION) * squares + ERROR_CORRELATION * sum * sum) / GRAINS_PER_UNIT;
  }
}

/**
 * Forecast of the sum of many channels, kept up to date as they change. The sum of their P90s would be far above the
 * P90 of their sum.
 */
export class TotalDemand {
  private readonly p50: number[];
  private readonly above: Spread[];
  private readonly below: Spread[];

  constructor(horizonSteps: number) {
    this.p50 = new Array<number>(horizonSteps).fill(0);
    this.above = Array.from({ length: horizonSteps }, () => new Spread());
    this.below = Array.from({ length: horizonSteps }, () => new Spread());
  }

  /** @param sign 1: the channel is there, -1: it is no more, or changed */
  add({ p10, p50, p90 }: DemandCurve, sign: 1 | -1): void {
    const at = (values: readonly number[], step: number): number =>
      values[Math.min(step, values.length - 1)] ?? 0;
    for (let step = 0; step < this.p50.length; step++) {
      const median = at(p50, step);
      this.p50[step]! += sign * toQuanta(median);
      this.above[step]?.add(at(p90, step) - median, sign);
      this.below[step]?.add(median - at(p10, step), sign);
    }
  }

  /** Units. */
  curve(): DemandCurve {
    const p50 = this.p50.map(toUnits);
    return {
      p10: p50.map((units, step) => Math.max(0, units - (this.below[step]?.combinedUnits ?? 0))),
      p50,
      p90: p50.map((units, step) => units + (this.above[step]?.combinedUnits ?? 0)),
    };
  }
}

/** See `TotalDemand`. */
export const combinedCurve = (curves: readonly DemandCurve[], horizonSteps: number): DemandCurve => {
  const total = new TotalDemand(horizonSteps);
  for (const curve of curves) total.add(curve, 1);
  return total.curve();
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
