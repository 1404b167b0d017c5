import { z } from 'zod';

/** What each term of an encoder's fitness is worth, relative to the others. */
export const fitnessWeightsSchema = z
  .object({
    headroom: z.number().min(0).default(0.4),
    quality: z.number().min(0).default(0.25),
    version: z.number().min(0).default(0.1),
    zone: z.number().min(0).default(0.1),
    stability: z.number().min(0).default(0.15),
  })
  .refine((weights) => Object.values(weights).some((weight) => weight > 0), 'at least one must be above 0');

/** What the planner may do and when. Fractions are of an encoder's capacity. */
export const policySchema = z.object({
  /** An encoder should never carry more than this fraction of its capacity. */
  limitFraction: z.number().gt(0).max(1).default(0.8),
  /**
   * Share of every encoder's limit that plans keep free: a channel's step of the ladder that no forecast foresaw finds
   * room there. Ladders may grow into it, and a recovery may use it.
   */
  reserveFraction: z.number().min(0).lt(1).default(0.05),
  /** Threshold of the threshold rule: predicted load above current x threshold counts as growth. */
  growthThreshold: z.number().min(1).default(1.2),
  /** Below this fraction of capacity, total predicted demand lets an encoder go. */
  deprovisionFraction: z.number().gt(0).lt(1).default(0.75),
  minEncoders: z.int().min(1).default(3),
  maxEncoders: z.int().min(1).default(5),
  /** A channel that moved rests this long before the planner moves it again. */
  restSeconds: z.number().min(0).default(30),
  /** Scale-in needs demand to have been low for this long. */
  scaleInStabilisationSeconds: z.number().min(0).default(60),
  /** Planned moves per control cycle. */
  maxMovesPerCycle: z.int().min(0).default(2),
  /**
   * Price of an encoder for an hour, and of an encoder over its limit for a minute, in the same currency. Only their
   * ratio counts: it decides how much of the forecast's spread is provisioned for (see newsvendor.ts).
   */
  encoderHourPrice: z.number().gt(0).default(1),
  overloadedMinutePrice: z.number().gt(0).default(0.25),
  /** Planned moves per control cycle that leave or enter any one encoder. */
  maxMovesPerEncoder: z.int().min(1).default(4),
  /** Encoder-seconds that a handoff is worth: emptying an encoder must save more than its moves cost. */
  handoffCostEncoderSeconds: z.number().min(0).default(5),
  /** May a channel move to an encoder of another compatibility class, which declares a discontinuity? */
  allowDiscontinuity: z.boolean().default(false),
  /** A region whose CDN is forecast (P90) to carry more than this fraction of its capacity is congested. */
  congestedRegionLoad: z.number().gt(0).default(0.85),
  fitnessWeights: fitnessWeightsSchema.prefault({}),
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
  /** Channels that should be planned for but can't be, and why (e.g. overload with no room anywhere). */
  unmet: { channelId?: string; encoderId?: string; why: string }[];
  /** CDN load that is forecast (highest P90 from now on), by region; absent where nobody measures any. */
  regions?: RegionOutlook[];
  /** Since when total demand has been below the deprovision mark; null if it is not. Fed back into the next cycle. */
  lowDemandSinceMs: number | null;
}
