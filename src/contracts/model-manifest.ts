import { z } from 'zod';
import { idSchema } from '../domain';

/** The files of a trained net, which training writes and forecasts, API and CLI read. */

/** TensorFlow.js back ends, the fastest first. */
export const BACK_ENDS = ['tfjs-node', 'wasm', 'cpu'] as const;
export type BackEndName = (typeof BACK_ENDS)[number];

const scoreSchema = z.object({
  pinball: z.number().min(0),
  cover80: z.number().min(0).max(1),
  over90: z.number().min(0).max(1),
});

/** What is known of a model: beside its weights, as manifest.json. */
export const manifestSchema = z.object({
  format: z.literal(1),
  id: idSchema,
  /** Name of the net and of its inputs; weights of another architecture are of no use. */
  architecture: z.string().min(1),
  weights: z.object({ bytes: z.int().min(4), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  trainedAtMs: z.int().min(0),
  /** What it learned from; the windows that it was scored on come after. */
  data: z.object({
    description: z.string().max(500),
    fromMs: z.int(),
    toMs: z.int(),
    stepSeconds: z.number().positive(),
    daySteps: z.int().positive(),
    series: z.int().min(1),
  }),
  training: z.object({
    seed: z.int(),
    /** Model whose weights it began with; null: random ones. */
    startedFrom: z.string().nullable(),
    backEnd: z.enum(BACK_ENDS),
    epochs: z.int().min(1),
    batchesPerEpoch: z.int().min(1),
    batchSize: z.int().min(1),
    learningRate: z.number().positive(),
    /** Mean pinball loss of the last epoch, on the net's scale. */
    loss: z.number(),
    seconds: z.number().min(0),
  }),
  /** On the same windows, which none of them was trained on. */
  scores: z.object({
    windows: z.int().min(0),
    /** What the scores rest on; absent in a model of a release that did not count it. */
    evidence: z
      .object({
        steps: z.int().min(0),
        measured: z.int().min(0).describe('steps whose truth was measured'),
        changed: z.int().min(0).describe('measured steps that were not as a day before'),
      })
      .optional(),
    candidate: scoreSchema,
    inUse: scoreSchema.extend({ id: idSchema }).nullable(),
  }),
  accepted: z.boolean(),
  why: z.string(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Which back end is in use, and why those before it are not. */
export const backEndInUseSchema = z.object({
  name: z.enum(BACK_ENDS),
  passedOver: z.array(z.object({ name: z.enum(BACK_ENDS), why: z.string() })),
});
export type BackEndInUse = z.infer<typeof backEndInUseSchema>;
export type TrainingSummary = Manifest['training'];
