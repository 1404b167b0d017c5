import { z } from 'zod';
import type { DemandCurve } from './snapshot';

/** A forecast series that is stored with its lead time and compared with what came: viewers by channel, CDN load by region. */
export type ScoredKind = 'viewers' | 'region_load';

/** What a forecast said of one step, `lead` steps ahead: 1 is the step in which it was issued. */
export interface IssuedStep {
  kind: ScoredKind;
  id: string;
  lead: number;
  /** Begin of the step, wall-clock milliseconds. */
  targetMs: number;
  p10: number;
  p50: number;
  p90: number;
}

/** What past errors of one series at one lead have taught: multipliers of the two halves of the band, and drift. */
export interface LeadFeedback {
  /** Multiplier of P50 - P10 and of P90 - P50; 1 leaves the forecaster's own band as it is. */
  widthLow: number;
  widthHigh: number;
  /** How far P50 lies off, in halves of the forecaster's own band; above 0: it has been too low. */
  shift: number;
  /** The two sums of the CUSUM test, in standard errors: forecasts too low, too high. */
  tooLow: number;
  tooHigh: number;
  /** Scored steps for which an alarm stands from now on; 0: no drift. */
  alarmSteps: number;
}

/** How one forecast of one step fared. */
export interface StepScore {
  realised: number;
  /** Mean of the pinball losses of P10, P50 and P90, in the unit of the series. */
  pinball: number;
  /** 1 where the realised value lies in [P10, P90], else 0. */
  covered: number;
  /** 1 where it lies above P90, else 0. */
  over90: number;
  /** P50 minus realised: above 0 the forecast was too high. */
  bias: number;
  absoluteError: number;
  /** Error of the day-seasonal naive for the same step; null where the day before is not known. */
  naiveError: number | null;
  /** (realised - P50) in standard errors of the issued band, at most 4 either way. */
  standardised: number;
}

/** How one issued step fared, and what its series had learned after it. */
export interface ScoredStep extends StepScore, LeadFeedback {
  kind: ScoredKind;
  id: string;
  lead: number;
  targetMs: number;
}

/** The latest that a series has learned at one lead, from the step at `targetMs`. */
export interface LatestFeedback extends LeadFeedback {
  kind: ScoredKind;
  id: string;
  lead: number;
  targetMs: number;
}

/** Accuracy of one series at one lead over a while. Means over `count` scored steps. */
export const seriesAccuracySchema = z.object({
  kind: z.enum(['viewers', 'region_load']),
  id: z.string(),
  lead: z.number().describe('steps ahead; 1: the step in which the forecast was issued'),
  count: z.number().describe('steps scored'),
  pinball: z.number().describe('mean of P10, P50 and P90, in the unit of the series'),
  mase: z
    .number()
    .nullable()
    .describe('error of P50 over that of the day-seasonal naive; null where that is not known or 0'),
  coverage: z.number().describe('realised within P10 to P90; 0.8 is right'),
  over90: z.number().describe('realised above P90; 0.1 is right'),
  bias: z.number().describe('P50 minus realised'),
  widthLow: z.number().describe('what past errors have made of P50 - P10'),
  widthHigh: z.number().describe('what past errors have made of P90 - P50'),
  shift: z.number().describe('how far P50 lies off, in halves of the band; above 0: too low'),
  drifting: z.boolean().describe('its errors have shifted, and have not settled yet'),
  lastTargetMs: z.number(),
});
export type SeriesAccuracy = z.infer<typeof seriesAccuracySchema>;

/** Demand of one encoder, with what its channels add to it. */
export interface EncoderDemand {
  encoderId: string;
  channelIds: string[];
  /** Encode units; null where the forecast does not know one of its channels. */
  units: DemandCurve | null;
}
