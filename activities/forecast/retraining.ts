import { join } from 'node:path';
import { firstTargetMs, HISTORY_DAYS, HORIZON_STEPS, SEASON_STEPS } from '../../src/forecast';
import {
  TrainingFiles,
  removeOtherRuns,
  runInThread,
  settleCandidate,
  trainingDataset,
  type ModelStore,
  type StartingPoint,
} from '../../src/models';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats, withProgress } from '../kit/heartbeat';
import type {
  CollectedHistory,
  EvaluatedModel,
  RetrainingRun,
  SettledModel,
  TrainRequest,
  TrainedModel,
} from '../kit/types';

type Needs = Pick<
  Dependencies,
  'cell' | 'stepSeconds' | 'swarm' | 'models' | 'trainingThread' | 'forecastInputs'
>;

/** Files of a run lie in its own folder; arrays do not pass through Temporal. */
const filesOf = ({ models }: Pick<Needs, 'models'>, { runId }: RetrainingRun): TrainingFiles =>
  new TrainingFiles(join(models.store.runs, runId));

/** The shipped model: each retraining adapts the same net, so that data and seed alone decide what it becomes. */
const startingPoint = async (store: ModelStore): Promise<StartingPoint | null> => {
  const shipped = await store.shippedModel();
  return shipped && { id: shipped.manifest.id, weights: shipped.weights };
};

const collectTrainingHistory =
  (needs: Needs) =>
  (run: RetrainingRun): Promise<CollectedHistory> =>
    withHeartbeats(async () => {
      const { cell, stepSeconds, swarm, models, forecastInputs } = needs;
      const { channels } = await swarm.present();
      const endMs = firstTargetMs(Date.now(), stepSeconds);
      const steps = HISTORY_DAYS * SEASON_STEPS;
      const read = await forecastInputs.read({
        ...{ channels, stepSeconds, steps, endMs },
        horizonSteps: HORIZON_STEPS,
      });
      const dataset = trainingDataset(read, { cell, channels, stepSeconds, endMs });
      await removeOtherRuns(models.store.runs, run.runId);
      await filesOf(needs, run).writeDataset(dataset);
      const measuredSteps = (endMs - dataset.startMs) / (stepSeconds * 1_000);
      return {
        series: dataset.series.length,
        days: Number((measuredSteps / dataset.daySteps).toFixed(1)),
        fromMs: dataset.startMs,
        toMs: endMs,
      };
    });

/** What the retraining workflow does, each step idempotent under retry. */
export const retrainingActivities = (needs: Needs) => {
  const { stepSeconds, models, trainingThread } = needs;
  return {
    /**
     * Reads the history to learn from into the run's folder.
     * @throws SwarmError unavailable, timeout: the audience can't be read
     */
    collectTrainingHistory: collectTrainingHistory(needs),

    /** Trains in a thread, a heartbeat with each epoch; a retry goes on from the last checkpoint. */
    trainModel: ({ runId, seed }: TrainRequest): Promise<TrainedModel> =>
      withProgress<unknown, TrainedModel>(null, async (report, signal) => {
        const startFrom = await startingPoint(models.store);
        const { folder } = filesOf(needs, { runId });
        return runInThread(
          { kind: 'train', folder, seed, startFrom },
          { ...trainingThread, signal, onProgress: report },
        );
      }),

    /** Candidate and model in use on the windows that the candidate was not trained on. */
    evaluateModel: (run: RetrainingRun): Promise<EvaluatedModel> =>
      withHeartbeats(async (signal) => {
        const { model } = await models.store.inUse();
        const inUse = model && { id: model.manifest.id, weights: model.weights };
        const { folder } = filesOf(needs, run);
        return runInThread({ kind: 'evaluate', folder, inUse }, { ...trainingThread, signal });
      }),

    /** See settleCandidate in src/models. */
    settleModel: ({
      run,
      ...settlement
    }: {
      run: RetrainingRun;
      modelId: string;
      atMs: number;
      trained: TrainedModel;
      evaluated: EvaluatedModel;
    }): Promise<SettledModel> => settleCandidate(models, filesOf(needs, run), { ...settlement, stepSeconds }),

    /** Removes what a retraining that was given up has left. */
    discardTraining: (run: RetrainingRun): Promise<void> => filesOf(needs, run).remove(),
  };
};
