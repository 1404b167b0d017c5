import type { DemandCurve, LeadFeedback, StepScore } from '../domain';

/**
 * How fast a width follows: after a value outside the band that half grows by exp(RATE · 0.9), after one inside it
 * shrinks by exp(-RATE · 0.1). In the long run 10 % then lie outside each half whatever the errors do (adaptive
 * conformal inference: Gibbs and Candès, NeurIPS 2021; here on the logarithm of the width).
 */
const RATE = 0.08;
const OUTSIDE_SHARE = 0.1;
const MIN_WIDTH = 0.25;
const MAX_WIDTH = 8;
/**
 * P50 follows the median of the errors in the same way, but slowly: a step of this part of half a band up or down.
 * What chance alone makes of that stays within SHIFT_DEAD_ZONE, and is not applied: a forecast without bias is left
 * as it is.
 */
const SHIFT_RATE = 0.02;
const SHIFT_DEAD_ZONE = 0.2;
const MAX_SHIFT = 3;
/** A band without width can't be multiplied: it counts as at least this part of the forecast. */
const MIN_SPREAD_FRACTION = 0.01;

/** P90 of a standard normal. */
const NORMAL_P90 = 1.2816;
/** One wild value is no drift: an error counts at most this much. */
const MAX_STANDARDISED = 4;
/** CUSUM (Page, Biometrika 1954): errors within half a standard error of 0 add nothing. */
const CUSUM_SLACK = 0.5;
/**
 * Errors of forecasts `lead` steps ahead hang together over `lead` steps, so their sums wander further; see the test
 * for the rate of false alarms that these limits give.
 */
const cusumLimit = (lead: number): number => 8 + 5 * lead;
/** Steps that must be scored without another alarm before one is over: a day. */
const ALARM_STEPS = 24;

export const NO_FEEDBACK: LeadFeedback = {
  widthLow: 1,
  widthHigh: 1,
  shift: 0,
  tooLow: 0,
  tooHigh: 0,
  alarmSteps: 0,
};

const pinballLoss = (quantile: number, forecast: number, realised: number): number =>
  realised >= forecast ? quantile * (realised - forecast) : (1 - quantile) * (forecast - realised);

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

export interface IssuedQuantiles {
  p10: number;
  p50: number;
  p90: number;
}

/** Scores one forecast of one step. @param naive value one day before; null where it is not known */
export const scoreStep = (
  { p10, p50, p90 }: IssuedQuantiles,
  realised: number,
  naive: number | null,
): StepScore => {
  const half = realised >= p50 ? p90 - p50 : p50 - p10;
  const sigma = Math.max(half, MIN_SPREAD_FRACTION * Math.abs(p50), Number.MIN_VALUE) / NORMAL_P90;
  return {
    realised,
    pinball:
      (pinballLoss(0.1, p10, realised) + pinballLoss(0.5, p50, realised) + pinballLoss(0.9, p90, realised)) /
      3,
    covered: realised >= p10 && realised <= p90 ? 1 : 0,
    over90: realised > p90 ? 1 : 0,
    bias: p50 - realised,
    absoluteError: Math.abs(p50 - realised),
    naiveError: naive === null ? null : Math.abs(naive - realised),
    standardised: clamp((realised - p50) / sigma, -MAX_STANDARDISED, MAX_STANDARDISED),
  };
};

const widthAfter = (width: number, outside: boolean): number =>
  clamp(width * Math.exp(RATE * ((outside ? 1 : 0) - OUTSIDE_SHARE)), MIN_WIDTH, MAX_WIDTH);

/**
 * What the next forecasts of this series at this lead should know of how this one fared. Depends on nothing else, so
 * that a retry learns the same.
 *
 * @returns `alarm` true when the errors have just been found to have shifted
 */
export const learnFromStep = (
  before: LeadFeedback,
  score: StepScore,
  lead: number,
): { feedback: LeadFeedback; alarm: boolean } => {
  const { over90, covered, standardised, bias } = score;
  const tooLow = Math.max(0, before.tooLow + standardised - CUSUM_SLACK);
  const tooHigh = Math.max(0, before.tooHigh - standardised - CUSUM_SLACK);
  const alarm = Math.max(tooLow, tooHigh) > cusumLimit(lead);
  return {
    feedback: {
      widthHigh: widthAfter(before.widthHigh, over90 === 1),
      widthLow: widthAfter(before.widthLow, over90 === 0 && covered === 0),
      shift: clamp(before.shift - SHIFT_RATE * Math.sign(bias), -MAX_SHIFT, MAX_SHIFT),
      tooLow: alarm ? 0 : tooLow,
      tooHigh: alarm ? 0 : tooHigh,
      alarmSteps: alarm ? ALARM_STEPS : Math.max(0, before.alarmSteps - 1),
    },
    alarm: alarm && before.alarmSteps === 0,
  };
};

/** Leads that are stored and scored: each of the first four, then about half as many again each time. */
export const scoredLeads = (horizonSteps: number): number[] =>
  [1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48, 72, 96, 144, 168].filter((lead) => lead <= horizonSteps);

const beyondDeadZone = (shift: number): number =>
  Math.sign(shift) * Math.max(0, Math.abs(shift) - SHIFT_DEAD_ZONE);

/**
 * A curve shifted, and its band as wide, as past errors ask for. A lead between two scored ones takes the nearer
 * one's lesson; without any the curve stays as it is.
 *
 * @returns 0 <= p10 <= p50 <= p90 at each step
 */
export const withFeedback = (
  curve: DemandCurve,
  feedbackByLead: ReadonlyMap<number, Pick<LeadFeedback, 'widthLow' | 'widthHigh' | 'shift'>>,
): DemandCurve => {
  const leads = [...feedbackByLead.keys()];
  if (leads.length === 0) return curve;
  const learned: DemandCurve = { p10: [], p50: [], p90: [] };
  curve.p50.forEach((p50, step) => {
    const lead = leads.reduce((best, l) => (Math.abs(l - step - 1) < Math.abs(best - step - 1) ? l : best));
    const { widthLow, widthHigh, shift } = feedbackByLead.get(lead) ?? NO_FEEDBACK;
    const least = MIN_SPREAD_FRACTION * p50;
    const below = p50 - (curve.p10[step] as number);
    const above = (curve.p90[step] as number) - p50;
    const stretched = (distance: number, width: number): number =>
      width > 1 ? width * Math.max(distance, least) : width * distance;
    const by = beyondDeadZone(shift);
    const middle = Math.max(0, p50 + by * Math.max(by > 0 ? above : below, least));
    learned.p10.push(Math.max(0, middle - stretched(below, widthLow)));
    learned.p50.push(middle);
    learned.p90.push(middle + stretched(above, widthHigh));
  });
  return learned;
};
