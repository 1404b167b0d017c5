import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BACK_ENDS } from '../contracts/model-manifest';
import { SwarmError } from '../domain';
import type { TrainingPlan, TrainingState } from '../forecast/net';
import { ARCHITECTURE, type Weights } from '../forecast/net/architecture';
import { makeDirectoryDurably, replaceFile } from '../platform/durable-file';
import { packWeights, sha256, unpackWeights } from './weights-file';

const DATASET = 'dataset.json';
const CHECKPOINT = 'checkpoint.bin';

/** What a training learns from: all series have the same steps. */
export const datasetSchema = z.object({
  description: z.string(),
  stepSeconds: z.number().positive(),
  daySteps: z.int().positive(),
  horizonSteps: z.int().positive(),
  /** Wall clock of the first step, milliseconds since 1970. */
  startMs: z.int(),
  series: z.array(
    z.object({
      id: z.string(),
      history: z.array(z.number().nullable()).readonly(),
      eventLevels: z.array(z.number()).optional(),
    }),
  ),
});
export type Dataset = z.infer<typeof datasetSchema>;

const identitySchema = z.object({
  datasetSha256: z.string(),
  plan: z.object({
    seed: z.int(),
    epochs: z.int(),
    batchesPerEpoch: z.int(),
    batchSize: z.int(),
    learningRate: z.number(),
  }) satisfies z.ZodType<TrainingPlan>,
  backEnd: z.enum(BACK_ENDS),
  /** Model whose weights it began with; null: random ones. */
  startedFrom: z.string().nullable(),
});
/** What a training is made from: a checkpoint serves the same one only. */
export type TrainingIdentity = z.infer<typeof identitySchema>;

const checkpointSchema = z.object({
  architecture: z.literal(ARCHITECTURE),
  identity: identitySchema,
  epochsDone: z.int().min(1),
  loss: z.number(),
  seconds: z.number(),
  sha256: z.string(),
});

/** How far a training has come. */
export interface Checkpoint {
  identity: TrainingIdentity;
  state: TrainingState;
  loss: number;
  /** Spent so far, over all attempts. */
  seconds: number;
}

/** Files of one training in a folder of its own, so that another process can go on where one was killed. */
export class TrainingFiles {
  constructor(readonly folder: string) {}

  async writeDataset(dataset: Dataset): Promise<void> {
    await makeDirectoryDurably(this.folder);
    await replaceFile(join(this.folder, DATASET), JSON.stringify(dataset));
  }

  /** @throws SwarmError not-found where there is none, bad-request where it is not what was written */
  async readDataset(): Promise<{ dataset: Dataset; sha256: string }> {
    const text = await readFile(join(this.folder, DATASET), 'utf8').catch((error: Error) => {
      throw new SwarmError(
        'not-found',
        `The history to train on is gone: ${error.message}.`,
        'All workers of a cell must share SWARM_STATE_DIR; the next retraining collects it again.',
      );
    });
    const parsed = datasetSchema.safeParse(JSON.parse(text));
    if (parsed.success) return { dataset: parsed.data, sha256: sha256(text) };
    throw new SwarmError('bad-request', `${join(this.folder, DATASET)} is no history to train on.`);
  }

  /** One file, replaced in one step: its first line describes the weights and moments after it. */
  async writeCheckpoint({ state, ...about }: Checkpoint): Promise<void> {
    const packed = packWeights([...state.weights, ...state.moments]);
    const head = checkpointSchema.parse({
      architecture: ARCHITECTURE,
      ...about,
      epochsDone: state.epochsDone,
      sha256: sha256(packed),
    });
    const content = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), packed]);
    await replaceFile(join(this.folder, CHECKPOINT), content);
  }

  /** Null where there is none, or none that is whole: training then starts from the beginning. */
  async readCheckpoint(): Promise<Checkpoint | null> {
    try {
      const content = await readFile(join(this.folder, CHECKPOINT));
      const end = content.indexOf('\n');
      const head = checkpointSchema.parse(JSON.parse(content.toString('utf8', 0, end)));
      const packed = content.subarray(end + 1);
      if (sha256(packed) !== head.sha256) return null;
      const [weights, ...moments] = inSets(unpackWeights(packed));
      const { identity, epochsDone, loss, seconds } = head;
      const state = { epochsDone, weights: weights!, moments: moments.flat() };
      return { identity, state, loss, seconds };
    } catch {
      return null;
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

const inSets = (arrays: Weights): Weights[] => {
  const sets = 3;
  const size = arrays.length / sets;
  return Array.from({ length: sets }, (_, i) => arrays.slice(i * size, (i + 1) * size));
};

/** Removes what trainings left behind that were ended for good; all but one. */
export const removeOtherRuns = async (runs: string, keep: string): Promise<void> => {
  const names = await readdir(runs).catch(() => [] as string[]);
  for (const name of names.filter((n) => n !== keep)) {
    await rm(join(runs, name), { recursive: true, force: true });
  }
};
