import type { DemandCurve } from '../domain';

/** Growth of a band per step of truth outside of it, in log units; steps inside shrink it so that 10 % stay out. */
const LEARNING_RATE = 0.02;
const MISS_RATE = 0.1;
/** The band is never taken to be off by more than this factor. */
const MAX_FACTOR = 2;

/**
 * Follows how often what came lay outside of P10 and P90, and widens or narrows each side until it is one step in
 * ten: adaptive conformal inference (Gibbs and Candès, NeurIPS 2021) on the width instead of the level, so that the
 * band stays finite.
 */
export class WidthTracker {
  private logBelow = 0;
  private logAbove = 0;
  private readonly open: { firstStep: number; curve: DemandCurve }[] = [];

  get widening(): { below: number; above: number } {
    return { below: Math.exp(this.logBelow), above: Math.exp(this.logAbove) };
  }

  issued(firstStep: number, curve: DemandCurve): void {
    this.open.push({ firstStep, curve });
  }

  /**
   * Takes in the steps that have become known.
   * @param firstStep absolute step of `demand[0]`; NaN = hole
   */
  learn(firstStep: number, demand: Float64Array): void {
    const end = firstStep + demand.length;
    while (this.open[0] && this.open[0].firstStep + this.open[0].curve.p50.length <= end) {
      const { firstStep: issuedAt, curve } = this.open.shift()!;
      curve.p90.forEach((p90, ahead) => {
        const actual = demand[issuedAt + ahead - firstStep];
        if (actual === undefined || Number.isNaN(actual)) return;
        // One forecast is one observation, however many steps it has.
        const rate = LEARNING_RATE / Math.sqrt(curve.p90.length);
        this.logAbove += rate * ((actual > p90 ? 1 : 0) - MISS_RATE);
        this.logBelow += rate * ((actual < curve.p10[ahead]! ? 1 : 0) - MISS_RATE);
      });
    }
    const limit = Math.log(MAX_FACTOR);
    this.logAbove = Math.max(-limit, Math.min(limit, this.logAbove));
    this.logBelow = Math.max(-limit, Math.min(limit, this.logBelow));
  }
}
