import { judgeCandidate } from '../forecast/net/held-back';
import type { ModelHolder } from './model-holder';
import type { TrainingFiles } from './training-files';
import type { Evaluation, TrainingResult } from './training-task';

export interface SettledModel {
  modelId: string;
  accepted: boolean;
  why: string;
}

/**
 * Stores a trained candidate with all that is known of it, promoted or refused, and takes a promoted one into use.
 * Done twice, it changes nothing: the run's files are removed once the model is stored.
 * @throws SwarmError not-found where neither the run's files nor the stored model are there
 */
export const settleCandidate = async (
  models: ModelHolder,
  files: TrainingFiles,
  options: {
    modelId: string;
    atMs: number;
    stepSeconds: number;
    trained: TrainingResult;
    evaluated: Evaluation;
  },
): Promise<SettledModel> => {
  const { modelId, atMs, stepSeconds, trained, evaluated } = options;
  const judgement = judgeCandidate(evaluated);
  const checkpoint = await files.readCheckpoint();
  if (checkpoint) {
    const { dataset } = await files.readDataset();
    const { series, learnedFromMs, learnedToMs, resumedFromEpoch: _, passedOver: __, ...training } = trained;
    await models.store.add(
      {
        id: modelId,
        trainedAtMs: atMs,
        data: {
          description: dataset.description,
          fromMs: learnedFromMs,
          toMs: learnedToMs,
          stepSeconds,
          daySteps: dataset.daySteps,
          series,
        },
        training,
        scores: evaluated,
        ...judgement,
      },
      checkpoint.state.weights,
    );
    await files.remove();
  } else {
    // A retry whose first attempt had stored it; where it had not, this says so.
    await models.store.read(modelId);
  }
  await models.refresh();
  return { modelId, ...judgement };
};
