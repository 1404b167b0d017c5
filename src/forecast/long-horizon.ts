import type { DemandCurve } from '../domain';

const DAYS_PER_WEEK = 7;

/**
 * Steps that are forecast directly: all of a horizon within a day; beyond it whole days, up to a week and to a third
 * of the history.
 */
export const directSteps = (horizonSteps: number, historySteps: number, daySteps: number): number => {
  const days = Math.max(1, Math.min(DAYS_PER_WEEK, Math.floor(historySteps / daySteps / 3)));
  return Math.min(horizonSteps, days * daySteps);
};

/**
 * Goes on beyond the steps forecast directly by repeating their last week, or day, with a band that widens like
 * that of a random walk.
 */
export const extended = (curve: DemandCurve, horizonSteps: number, daySteps: number): DemandCurve => {
  const direct = curve.p50.length;
  const period = direct >= DAYS_PER_WEEK * daySteps ? DAYS_PER_WEEK * daySteps : Math.min(direct, daySteps);
  const result: DemandCurve = { p10: [...curve.p10], p50: [...curve.p50], p90: [...curve.p90] };
  for (let ahead = direct; ahead < horizonSteps; ahead++) {
    const from = direct - period + ((ahead - direct) % period);
    const [p10, p50, p90] = [curve.p10[from]!, curve.p50[from]!, curve.p90[from]!];
    const widening = Math.sqrt((ahead + 1) / (from + 1));
    result.p10.push(Math.max(0, p50 - (p50 - p10) * widening));
    result.p50.push(p50);
    result.p90.push(p50 + (p90 - p50) * widening);
  }
  return result;
};
