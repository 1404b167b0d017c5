import { z } from 'zod';
import { installedBuildSchema } from './builds';
import { idSchema } from './channel';
import { rolloutMetrics, type RolloutMetric } from './rollout-control';

/** How a new build is let into a swarm. Fractions are of 1. */
export const rolloutPolicySchema = z.strictObject({
  canaryShare: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.25)
    .describe('Largest fraction of all channels on the canary before its verdict; one channel at least.'),
  encodersAtOnce: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('Encoders of one zone that are upgraded side by side, after the canary.'),
  maxExtraEncodeFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.35)
    .describe(
      'Encode units in use during the rollout, beyond what the channels need steadily. Bounds the moves at a time.',
    ),
  soakSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(20)
    .describe('Shortest time for which an upgraded encoder is watched before the next one.'),
  askAfterSeconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(180)
    .describe('Without a verdict on the canary by then, the rollout holds and asks.'),
  compareSeconds: z
    .number()
    .min(0.5)
    .max(60)
    .default(2)
    .describe('Time between two comparisons of the builds.'),
  qualityEvery: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe(
      'Comparisons between two measurements of the quality of one GOP, each of which takes the CPU time of two short encodes.',
    ),
  falseAlarmRate: z
    .number()
    .gt(0)
    .max(0.2)
    .default(0.01)
    .describe(
      'Probability that a build that is no worse is rolled back, over all metrics and the whole rollout.',
    ),
  falseGoodRate: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.05)
    .describe('Probability, for each metric, that a harmful build is judged good.'),
  qualityMarginDb: z
    .number()
    .min(0)
    .max(20)
    .default(0.5)
    .describe("Worse in quality: below the other build's by more than this many dB of SSIM."),
  speedMargin: z
    .number()
    .min(0)
    .max(1)
    .default(0.25)
    .describe("Worse in speed: below the other build's by more than this fraction."),
  cpuMargin: z
    .number()
    .min(0)
    .max(10)
    .default(0.75)
    .describe("Worse in CPU time per encode unit: above the other build's by more than this fraction."),
});
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>;

/** What is asked for: a build of the catalogue, and how to bring it in. */
export const rolloutRequestSchema = z.strictObject({
  buildId: idSchema,
  /** Names the request; the same id twice is one request. */
  requestId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  requestedBy: z.string().min(1).max(200),
  policy: rolloutPolicySchema.prefault({}),
});
export type RolloutRequest = z.infer<typeof rolloutRequestSchema>;

const perMetric = <T extends z.ZodType>(schema: T) =>
  z.object({ quality: schema, speed: schema, lateness: schema, losses: schema, cpu: schema });

/** Comparisons of one metric: how many, in how many the new build was worse, and the sums of both readings. */
const metricEvidenceSchema = z.object({
  comparisons: z.number(),
  worse: z.number(),
  newSum: z.number(),
  oldSum: z.number(),
});
export type MetricEvidence = z.infer<typeof metricEvidenceSchema>;
export type Evidence = Record<RolloutMetric, MetricEvidence>;

/** What is known of one metric. E-values: see src/versions/e-values.ts. */
const metricVerdictSchema = z.object({
  comparisons: z.number(),
  worse: z.number(),
  newMean: z.number().nullable().describe('mean over all comparisons; null before the first'),
  oldMean: z.number().nullable(),
  eWorse: z.number().describe('evidence against "the new build is no worse"'),
  eGood: z.number().describe('evidence against "the new build is harmful"'),
});
export type MetricVerdict = z.infer<typeof metricVerdictSchema>;

export const verdictSchema = z.object({
  outcome: z.enum(['worse', 'good', 'undecided']),
  atMs: z.number(),
  eWorse: z.number().describe('mean of all eWorse'),
  worseFrom: z.number().describe('from which eWorse on the build is worse'),
  goodFrom: z.number().describe("every metric's eGood must reach this for the build to be good"),
  metrics: perMetric(metricVerdictSchema),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** Why a rollout goes back. How it is said: rollout-words.ts. */
export const rollbackSchema = z.discriminatedUnion('kind', [
  z
    .object({
      kind: z.literal('worse'),
      metric: z.enum(rolloutMetrics).describe('with most evidence against the new build'),
      comparisons: z.number(),
      worse: z.number().describe('comparisons in which the new build was worse'),
      newMean: z.number().nullable(),
      oldMean: z.number().nullable(),
      eWorse: z.number().describe('of all metrics together'),
      worseFrom: z.number().describe('the limit of eWorse'),
    })
    .describe('the verdict on the new build'),
  z.object({ kind: z.literal('aborted'), requestedBy: z.string() }),
  z
    .object({ kind: z.literal('decided'), requestedBy: z.string() })
    .describe('the answer to a rollout that held'),
  z.object({ kind: z.literal('cancelled') }).describe('its workflow was cancelled'),
  z.object({ kind: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type Rollback = z.infer<typeof rollbackSchema>;

const rolloutEncoderSchema = z.object({
  encoderId: z.string(),
  zone: z.string(),
  wave: z.string(),
  from: installedBuildSchema.describe('what it ran before, and runs again after a rollback'),
  status: z.enum(['waiting', 'upgrading', 'upgraded', 'restoring', 'restored', 'gone']),
});
export type RolloutEncoder = z.infer<typeof rolloutEncoderSchema>;

/** `holding`: undecided in time, asks. A rollback that meets an obstacle goes on trying; its `detail` says so. */
export const rolloutPhaseSchema = z.enum([
  'planning',
  'upgrading',
  'soaking',
  'holding',
  'rolling-back',
  'completed',
  'rolled-back',
  'refused',
]);
export type RolloutPhase = z.infer<typeof rolloutPhaseSchema>;

/** State of `rollout/<cell>`, also its result and the record of what was decided. Times: wall clock, ms. */
export const rolloutStateSchema = z.object({
  cell: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  request: rolloutRequestSchema,
  build: installedBuildSchema.nullable(),
  phase: rolloutPhaseSchema,
  paused: z.boolean(),
  encoders: z.array(rolloutEncoderSchema).describe('in the order in which they are upgraded'),
  skipped: z
    .array(z.object({ encoderId: z.string(), why: z.string() }))
    .describe('encoders left as they are, and why'),
  canaryChannels: z
    .array(z.string())
    .describe('channels that the canary carries until its verdict; it is given no others'),
  movesAtOnce: z.number().describe('channel moves at a time'),
  spareUnits: z.number().describe('encode units for what is no channel: the self-tests'),
  evidence: perMetric(metricEvidenceSchema),
  verdict: verdictSchema.nullable(),
  decidedBy: z.string().optional().describe('who answered when it held, and let it go on'),
  failure: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('the step that failed, or why it was refused'),
  rollback: rollbackSchema
    .nullable()
    .optional()
    .describe('why it goes back; absent where an earlier version began it'),
  startedAtMs: z.number(),
  canaryAtMs: z.number().nullable().describe('when the canary first carried a channel'),
  rollbackAtMs: z.number().nullable(),
  finishedAtMs: z.number().nullable(),
  detail: z.string().describe('what it does now, or did last, for people'),
});
export type RolloutState = z.infer<typeof rolloutStateSchema>;
