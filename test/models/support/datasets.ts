import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatedSeries } from '../../../src/forecast/net';
import { WEIGHT_SHAPES, type Weights } from '../../../src/forecast/net/architecture';
import type { Dataset, Manifest } from '../../../src/models';

export const DAY_STEPS = 24;
export const STEP_SECONDS = 3_600;

/** Generated history in the form that a training reads. */
export const datasetOf = (count: number, days = 14): Dataset => {
  const series = generatedSeries({ count, steps: days * DAY_STEPS, horizonSteps: 8, seed: 11 });
  return {
    description: 'generated',
    stepSeconds: STEP_SECONDS,
    daySteps: DAY_STEPS,
    horizonSteps: 8,
    startMs: series[0]?.startMs ?? 0,
    series: series.map(({ id, history }) => ({ id, history: [...history] })),
  };
};

export const temporaryFolder = async (): Promise<{ path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'swarm-models-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

export const someWeights = (value: number): Weights =>
  WEIGHT_SHAPES.map((shape) => new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(value));

export const manifestOf = (
  id: string,
  more: Partial<Omit<Manifest, 'format' | 'architecture' | 'weights'>> = {},
): Omit<Manifest, 'format' | 'architecture' | 'weights'> => ({
  id,
  trainedAtMs: 1_000,
  data: { description: '', fromMs: 0, toMs: 1, stepSeconds: 5, daySteps: 24, series: 3 },
  training: {
    seed: 1,
    startedFrom: null,
    backEnd: 'wasm',
    epochs: 1,
    batchesPerEpoch: 1,
    batchSize: 1,
    learningRate: 0.1,
    loss: 0.1,
    seconds: 1,
  },
  scores: { windows: 1, candidate: { pinball: 0.5, cover80: 0.8, over90: 0.1 }, inUse: null },
  accepted: true,
  why: 'a test',
  ...more,
});
