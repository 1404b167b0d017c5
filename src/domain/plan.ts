import { z } from 'zod';

/** What each term of an encoder's fitness is worth, relative to the others. */
export const fitnessWeightsSchema = z
  .object({
    headroom: z.number().min(0).default(0.4).describe('Room now and at P90.'),
    quality: z.number().min(0).default(0.25).describe('Quality and speed beside its peers.'),
    version: z
      .number()
      .min(0)
      .default(0.1)
      .describe('Share of the encoders with the same version, and with an interchangeable build.'),
    zone: z
      .number()
      .min(0)
      .default(0.1)
      .describe('Health of its zone, and how little that zone carries beyond its share.'),
    stability: z.number().min(0).default(0.15).describe('Recent crashes and failed handoffs.'),
  })
  .refine((weights) => Object.values(weights).some((weight) => weight > 0), 'at least one must be above 0');

/** A part of an encoder's fitness. */
export type FitnessTerm = keyof z.infer<typeof fitnessWeightsSchema>;

/** What the planner may do and when. Fractions are of an encoder's capacity. */
export const policySchema = z.object({
  limitFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe('The limit: an encoder should never carry more than this fraction of its capacity.'),
  reserveFraction: z
    .number()
    .min(0)
    .lt(1)
    .default(0.05)
    .describe(
      "Share of every encoder's limit that plans keep free. A step of a ladder that no forecast foresaw finds room " +
        'there. Ladders may grow into it, and a recovery may use it.',
    ),
  growthThreshold: z
    .number()
    .min(1)
    .default(1.2)
    .describe(
      'Predicted load above the current load times this counts as growth: a figure of explanations, and what the ' +
        'threshold rule goes by.',
    ),
  deprovisionFraction: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.75)
    .describe('Total predicted demand below this fraction of capacity lets an encoder be released.'),
  minEncoders: z.int().min(1).default(3).describe('Fewest encoders of the cell.'),
  maxEncoders: z.int().min(1).default(5).describe('Most encoders of the cell.'),
  restSeconds: z
    .number()
    .min(0)
    .default(30)
    .describe('How long a channel that moved is left alone by the planner.'),
  scaleInStabilisationSeconds: z
    .number()
    .min(0)
    .default(60)
    .describe('How long demand must have been low before an encoder is released.'),
  maxMovesPerCycle: z.int().min(0).default(2).describe('Planned moves per control cycle.'),
  encoderHourPrice: z
    .number()
    .gt(0)
    .default(1)
    .describe(
      'Price of an encoder for an hour. Only its ratio to `overloadedMinutePrice` counts: it decides how much of the ' +
        "forecast's spread is provided for.",
    ),
  overloadedMinutePrice: z
    .number()
    .gt(0)
    .default(0.25)
    .describe('Price of a minute in which an encoder is over its limit, in the same currency.'),
  maxMovesPerEncoder: z
    .int()
    .min(1)
    .default(4)
    .describe('Planned moves per control cycle that leave or enter any one encoder.'),
  handoffCostEncoderSeconds: z
    .number()
    .min(0)
    .default(5)
    .describe(
      'Cost of a handoff in encoder-seconds: to empty an encoder must save more than its moves cost.',
    ),
  allowDiscontinuity: z
    .boolean()
    .default(false)
    .describe('Whether a channel may move to another compatibility class, which declares a discontinuity.'),
  congestedRegionLoad: z
    .number()
    .gt(0)
    .default(0.85)
    .describe('A region whose network is forecast (P90) above this fraction of its capacity is congested.'),
  fitnessWeights: fitnessWeightsSchema
    .prefault({})
    .describe("What each term of an encoder's fitness is worth, relative to the others."),
});
export type Policy = z.infer<typeof policySchema>;

/** Up to which fraction of its capacity plans fill an encoder. */
export const plannedFraction = ({
  limitFraction,
  reserveFraction,
}: Pick<Policy, 'limitFraction' | 'reserveFraction'>): number => limitFraction * (1 - reserveFraction);

/**
 * Why a channel moves. `ladder` is a handoff to the same encoder; `placement` repairs a breach of its pins, region
 * or redundancy group; `make-room` frees a place that another move of the plan needs.
 */
export const moveReasonSchema = z.enum([
  'predicted-overload',
  'consolidation',
  'placement',
  'make-room',
  'drain',
  'canary',
  'operator',
  'ladder',
  'recycle',
  'encoder-lost',
  'session-failed',
  'start',
]);
export type MoveReason = z.infer<typeof moveReasonSchema>;

/** One move with all that explains it. Small, plain JSON: it travels in workflow inputs. */
export interface Move {
  channelId: string;
  fromEncoderId: string | null;
  toEncoderId: string;
  rungs: number;
  reason: MoveReason;
  /** Moves of wave n + 1 need the room that those of wave n leave; absent: 0. Moves of a wave run side by side. */
  wave?: number;
  explanation: MoveExplanation;
}

export const moveExplanationSchema = z.object({
  summary: z.string().describe('one sentence for people'),
  forecastId: z.string().optional(),
  figures: z
    .record(z.string(), z.number())
    .describe('figures that the decision rests on, by name; units in the name'),
  fitness: z.object({ from: z.number().optional(), to: z.number().optional() }).optional(),
  rejected: z
    .array(z.object({ encoderId: z.string(), why: z.string() }))
    .describe('encoders not chosen, and why: all of them in a small fleet, else the best few'),
  rejectedCounts: z
    .record(z.string(), z.number())
    .optional()
    .describe('encoders not chosen by cause, in a fleet too large to list them'),
});
export type MoveExplanation = z.infer<typeof moveExplanationSchema>;

export type ScaleChange =
  | { kind: 'none' }
  | {
      kind: 'provision';
      count: number;
      /** Zone of each of them; absent: the provider's choice. */
      zones?: string[];
      reason: string;
      figures: Record<string, number>;
    }
  | { kind: 'deprovision'; encoderId: string; reason: string; figures: Record<string, number> };

/** What the plan expects of a region's CDN. */
export interface RegionOutlook {
  region: string;
  /** Fraction of its capacity. */
  peakLoadP90: number;
  /** Above the policy's mark: new work and new encoders go elsewhere where they may. */
  congested: boolean;
}

/** What one control cycle decides. */
export interface Plan {
  moves: Move[];
  scale: ScaleChange;
  /**
   * Channels that should be planned for but can't be, and why (e.g. overload with no room anywhere). `isOffAir`: nobody
   * encodes it.
   */
  unmet: { channelId?: string; encoderId?: string; isOffAir?: true; why: string }[];
  /** CDN load that is forecast (highest P90 from now on), by region; absent where nobody measures any. */
  regions?: RegionOutlook[];
  /** Since when total demand has been below the deprovision mark; null if it is not. Fed back into the next cycle. */
  lowDemandSinceMs: number | null;
}
