import type { DemandCurve } from '../../domain';
import { DAYS_BEFORE_ORIGIN, type ScaledSeries } from './scaled-series';

const LEVELS = [0.1, 0.5, 0.9] as const;
/** Days of truth that a candidate is not shown. */
const HELD_BACK_DAYS = 2;
const MAX_HELD_BACK_FRACTION = 0.25;
/** With fewer of the steps held back measured than this, a candidate is not judged. */
const LEAST_MEASURED_FRACTION = 0.5;

/** Scores on windows that the model was not trained on. */
export interface Score {
  /** Mean pinball loss of P10, P50 and P90, over that of the day-seasonal naive. Below 1 is better than it. */
  pinball: number;
  /** How often the truth lay in [P10, P90]; 0.80 is right. */
  cover80: number;
  /** How often above P90; 0.10 is right. */
  over90: number;
}

/** How much there was to judge by, counted over all windows. */
export interface Evidence {
  steps: number;
  /** Steps whose truth was measured; the others are holes, as while the swarm was stopped. */
  measured: number;
  /** Measured steps that were not as a day before: where none are, every forecast is as good as the naive. */
  changed: number;
}

/** A window to forecast and to compare with the truth. */
export interface Window {
  series: ScaledSeries;
  /** First step of the window. */
  origin: number;
  horizonSteps: number;
}

/** First step that is held back from training: the last two days, at most a quarter, at least one horizon. */
export const heldBackFrom = (series: ScaledSeries): number => {
  const { horizonSteps } = series.source;
  const days = Math.min(HELD_BACK_DAYS * series.daySteps, MAX_HELD_BACK_FRACTION * series.length);
  return series.length - Math.max(horizonSteps, Math.floor(days));
};

/** True where two days are left to learn from once the windows are held back. */
export const canHoldBack = (series: ScaledSeries): boolean =>
  heldBackFrom(series) > DAYS_BEFORE_ORIGIN * series.daySteps;

/** Windows of one horizon each, side by side, over the part held back. */
export const heldBackWindows = (series: readonly ScaledSeries[]): Window[] =>
  series.flatMap((one) => {
    const { horizonSteps } = one.source;
    const windows: Window[] = [];
    for (let origin = heldBackFrom(one); origin + horizonSteps <= one.length; origin += horizonSteps) {
      windows.push({ series: one, origin, horizonSteps });
    }
    return windows;
  });

/** The value of the same step a day before, or of as many days before as the origin asks for. */
const naiveAt = ({ series, origin }: Pick<Window, 'series' | 'origin'>, ahead: number): number =>
  series.valueAt(origin + ahead - series.daySteps * Math.ceil((ahead + 1) / series.daySteps));

const pinball = (truth: number, level: number, quantile: number): number =>
  Math.max(level * (truth - quantile), (level - 1) * (truth - quantile));

/**
 * Scores of curves, one a window. Losses are divided by the mean of their series' history before they are summed,
 * so that a large channel does not drown the others. Steps whose truth is a hole are left out.
 */
export const scoreWindows = (windows: readonly Window[], curves: readonly DemandCurve[]): Score => {
  const sums = { loss: 0, naive: 0, steps: 0, inside: 0, above: 0 };
  windows.forEach(({ series, origin, horizonSteps }, w) => {
    const { p10, p50, p90 } = curves[w]!;
    const size = series.meanBefore(origin) || 1;
    for (let ahead = 0; ahead < horizonSteps; ahead++) {
      if (!series.knows(origin + ahead)) continue;
      const truth = series.valueAt(origin + ahead);
      const naive = naiveAt({ series, origin }, ahead);
      const quantiles = [p10[ahead]!, p50[ahead]!, p90[ahead]!];
      LEVELS.forEach((level, q) => {
        sums.loss += pinball(truth, level, quantiles[q]!) / size;
        sums.naive += pinball(truth, level, naive) / size;
      });
      sums.steps++;
      if (truth >= quantiles[0]! && truth <= quantiles[2]!) sums.inside++;
      if (truth > quantiles[2]!) sums.above++;
    }
  });
  return {
    pinball: sums.loss / Math.max(sums.naive, Number.EPSILON),
    cover80: sums.inside / Math.max(1, sums.steps),
    over90: sums.above / Math.max(1, sums.steps),
  };
};

/** What scores of these windows rest on. */
export const evidenceIn = (windows: readonly Window[]): Evidence => {
  const evidence = { steps: 0, measured: 0, changed: 0 };
  for (const { series, origin, horizonSteps } of windows) {
    for (let ahead = 0; ahead < horizonSteps; ahead++) {
      evidence.steps++;
      if (!series.knows(origin + ahead)) continue;
      evidence.measured++;
      if (series.valueAt(origin + ahead) !== naiveAt({ series, origin }, ahead)) evidence.changed++;
    }
  }
  return evidence;
};

/** Why scores that rest on this say nothing; null where they do. */
const whyNoEvidence = (evidence: Evidence | undefined): string | null => {
  if (!evidence) return 'what it was judged by was not counted';
  const { steps, measured, changed } = evidence;
  if (measured === 0 || measured < LEAST_MEASURED_FRACTION * steps) {
    return `${measured} of the ${steps} steps held back were measured`;
  }
  return changed === 0 ? `each of the ${measured} steps held back was as it was a day before` : null;
};

/**
 * A candidate must not be worse than the model in use, or, where there is none, than the day-seasonal naive, and
 * there must be something to judge by: scores of windows that nobody measured are equal, and say nothing.
 */
export const judgeCandidate = ({
  evidence,
  candidate,
  inUse,
}: {
  /** Absent: it was evaluated by a release that did not count it. */
  evidence?: Evidence | undefined;
  candidate: Score;
  inUse: Score | null;
}): { accepted: boolean; why: string } => {
  const noEvidence = whyNoEvidence(evidence);
  if (noEvidence !== null) return { accepted: false, why: `too little to judge it by: ${noEvidence}` };
  const bound = inUse?.pinball ?? 1;
  const other = inUse ? 'the model in use' : 'the day-seasonal naive';
  const figures = `pinball ${candidate.pinball.toFixed(3)} against ${bound.toFixed(3)} of ${other}`;
  if (!Number.isFinite(candidate.pinball)) return { accepted: false, why: 'its forecasts are no numbers' };
  return candidate.pinball <= bound
    ? { accepted: true, why: `not worse on the windows held back: ${figures}` }
    : { accepted: false, why: `worse on the windows held back: ${figures}` };
};
