import type { DemandCurve } from '../domain';
import { robustLine } from './robust-line';

/** A score speaks for the steps after it until the next one, at most this long. */
const SCORE_HOLDS_STEPS = 24;
const MIN_STEPS = 48;
/** The effect is used only where it stands out of its own error this clearly. */
const MIN_T = 3;
/** No score makes more than this of an audience, nor less than one part of it. */
const MAX_RATIO = 2;

const heldScores = (scores: readonly (number | null)[]): (number | null)[] => {
  let last: number | null = null;
  let age = 0;
  return scores.map((score) => {
    if (score !== null && Number.isFinite(score)) {
      last = score;
      age = 0;
    } else age += 1;
    return age < SCORE_HOLDS_STEPS ? last : null;
  });
};

/**
 * What a trend score (how much people talk about a channel, say) has meant for its audience so far: for each step
 * ahead, a robust regression of the growth that a usual day does not explain,
 *
 *   log(v[t+h] / v[t]) - log(v[t+h-day] / v[t-day])  on  score[t] - mean score.
 *
 * @param viewers per step, oldest first; null = hole
 * @param scores same steps; null where there is none
 * @returns multiplier of the forecast per step ahead; all 1 where the score says nothing (fewer than 48 usable
 *   steps, or an effect within 3 of its standard errors)
 */
export const trendRatios = (
  viewers: readonly (number | null)[],
  scores: readonly (number | null)[],
  daySteps: number,
  horizonSteps: number,
): number[] => {
  const held = heldScores(scores);
  const known = held.filter((s) => s !== null);
  const now = held[held.length - 1] ?? null;
  const usual = new Array<number>(horizonSteps).fill(1);
  if (now === null || known.length < MIN_STEPS) return usual;
  const mean = known.reduce((sum, s) => sum + s, 0) / known.length;
  const logOf = (step: number): number => {
    const value = step >= 0 ? (viewers[step] ?? null) : null;
    return value !== null && value >= 0 ? Math.log(value + 1) : NaN;
  };
  return usual.map((_, k) => {
    const ahead = k + 1;
    const x: number[] = [];
    const y: number[] = [];
    for (let origin = daySteps; origin + ahead < viewers.length; origin++) {
      const score = held[origin] ?? null;
      const growth =
        logOf(origin + ahead) - logOf(origin) - logOf(origin + ahead - daySteps) + logOf(origin - daySteps);
      if (score === null || Number.isNaN(growth)) continue;
      x.push(score - mean);
      y.push(growth);
    }
    if (x.length < MIN_STEPS) return 1;
    const { slope, slopeError } = robustLine(x, y);
    // Overlapping spans: only every `ahead`-th of them tells something new.
    if (Math.abs(slope) < MIN_T * slopeError * Math.sqrt(ahead)) return 1;
    return Math.min(MAX_RATIO, Math.max(1 / MAX_RATIO, Math.exp(slope * (now - mean))));
  });
};

/** A curve with each step multiplied by its ratio. */
export const scaledCurve = (curve: DemandCurve, ratios: readonly number[]): DemandCurve => {
  const scaled = (values: readonly number[]): number[] => values.map((v, step) => v * (ratios[step] ?? 1));
  return { p10: scaled(curve.p10), p50: scaled(curve.p50), p90: scaled(curve.p90) };
};
