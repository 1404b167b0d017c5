import { join } from 'node:path';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../src/domain';
import { judgeCandidate } from '../../src/forecast/net/held-back';
import {
  TrainingFiles,
  removeOtherRuns,
  runInThread,
  type ModelStore,
  type StartingPoint,
} from '../../src/models';
import type { Dependencies } from '../kit/dependencies';
import { ForecastInputReader } from './forecast-inputs';
import { withHeartbeats } from '../kit/heartbeat';
import { readTrainingHistory } from './training-history';
import type {
  CollectedHistory,
  EvaluatedModel,
  RetrainingRun,
  SettledModel,
  TrainRequest,
  TrainedModel,
} from '../kit/types';

const HEARTBEAT_EVERY_MS = 800;

/** What the retraining workflow does, each step idempotent under retry; files of a run lie in its own folder. */
export const retrainingActivities = ({
  cell,
  store,
  stepSeconds,
  temporal,
  models,
  trainingThread,
}: Pick<Dependencies, 'cell' | 'store' | 'stepSeconds' | 'temporal' | 'models' | 'trainingThread'>) => {
  const reader = new ForecastInputReader(cell, store);
  const filesOf = ({ runId }: RetrainingRun): TrainingFiles =>
    new TrainingFiles(join(models.store.runs, runId));

  return {
    /** Reads the history to learn from into the run's folder; arrays do not pass through Temporal. */
    collectTrainingHistory: (run: RetrainingRun): Promise<CollectedHistory> =>
      withHeartbeats(async () => {
        const swarm = temporal().workflow.getHandle(swarmWorkflowId(cell));
        const { channels } = await swarm.query<SwarmWorkflowState>(swarmControl.state);
        const stepMs = stepSeconds * 1_000;
        const endMs = Math.floor(Date.now() / stepMs) * stepMs;
        const dataset = await readTrainingHistory(reader, { cell, channels, stepSeconds, endMs });
        await removeOtherRuns(models.store.runs, run.runId);
        await filesOf(run).writeDataset(dataset);
        return {
          series: dataset.series.length,
          days: Number(((endMs - dataset.startMs) / stepMs / dataset.daySteps).toFixed(1)),
          fromMs: dataset.startMs,
          toMs: endMs,
        };
      }),

    /** Trains in a thread, a heartbeat with each epoch; a retry goes on from the last checkpoint. */
    trainModel: async ({ runId, seed }: TrainRequest): Promise<TrainedModel> => {
      let progress: unknown = activityInfo().heartbeatDetails ?? null;
      const beat = setInterval(() => heartbeat(progress), HEARTBEAT_EVERY_MS);
      try {
        return await runInThread(
          {
            kind: 'train',
            folder: filesOf({ runId }).folder,
            seed,
            startFrom: await startingPoint(models.store),
          },
          {
            ...trainingThread,
            signal: cancellationSignal(),
            onProgress: (reached) => {
              progress = reached;
              heartbeat(progress);
            },
          },
        );
      } finally {
        clearInterval(beat);
      }
    },

    /** Candidate and model in use on the windows that the candidate was not trained on. */
    evaluateModel: (run: RetrainingRun): Promise<EvaluatedModel> =>
      withHeartbeats(async (signal) => {
        const { model } = await models.store.inUse();
        const inUse = model && { id: model.manifest.id, weights: model.weights };
        return runInThread(
          { kind: 'evaluate', folder: filesOf(run).folder, inUse },
          { ...trainingThread, signal },
        );
      }),

    /** Stores the candidate with all that is known of it, promoted or refused, and takes a promoted one into use. */
    settleModel: async (options: {
      run: RetrainingRun;
      modelId: string;
      atMs: number;
      trained: TrainedModel;
      evaluated: EvaluatedModel;
    }): Promise<SettledModel> => {
      const files = filesOf(options.run);
      const judgement = judgeCandidate(options.evaluated.candidate, options.evaluated.inUse);
      const checkpoint = await files.readCheckpoint();
      if (checkpoint) {
        const { dataset } = await files.readDataset();
        const {
          series,
          learnedFromMs,
          learnedToMs,
          resumedFromEpoch: _,
          passedOver: __,
          ...training
        } = options.trained;
        await models.store.add(
          {
            id: options.modelId,
            trainedAtMs: options.atMs,
            data: {
              description: dataset.description,
              fromMs: learnedFromMs,
              toMs: learnedToMs,
              stepSeconds,
              daySteps: dataset.daySteps,
              series,
            },
            training,
            scores: options.evaluated,
            ...judgement,
          },
          checkpoint.state.weights,
        );
        await files.remove();
      } else {
        // A retry whose first attempt had stored it; where it had not, this says so.
        await models.store.read(options.modelId);
      }
      await models.refresh();
      return { modelId: options.modelId, ...judgement };
    },

    /** Removes what a retraining that was given up has left. */
    discardTraining: (run: RetrainingRun): Promise<void> => filesOf(run).remove(),
  };
};

/** The shipped model: each retraining adapts the same net, so that data and seed alone decide what it becomes. */
const startingPoint = async (store: ModelStore): Promise<StartingPoint | null> => {
  const shipped = await store.shippedModel();
  return shipped && { id: shipped.manifest.id, weights: shipped.weights };
};
