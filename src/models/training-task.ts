import { isDeepStrictEqual } from 'node:util';
import type { BackEndInUse, Manifest, TrainingSummary } from '../contracts/model-manifest';
import { SwarmError } from '../domain';
import type { SeriesToForecast } from '../forecast';
import {
  QuantileNet,
  ScaledSeries,
  canHoldBack,
  evidenceIn,
  forecastOrigins,
  heldBackFrom,
  heldBackWindows,
  scoreWindows,
  type Score,
} from '../forecast/net';
import { beginTraining, planTraining, trainEpoch, trainable } from '../forecast/net';
import type { Weights } from '../forecast/net/architecture';
import type { Checkpoint, Dataset, TrainingFiles, TrainingIdentity } from './training-files';

export interface TrainingProgress {
  epochsDone: number;
  epochs: number;
  /** Mean pinball loss of the epoch, on the net's scale. */
  loss: number;
}

/** Weights to go on from, with the id of the model that they are of. */
export interface StartingPoint {
  id: string;
  weights: Weights;
}

export type TrainingResult = TrainingSummary & {
  series: number;
  /** Wall clock of what it learned from: the part held back is not in it. */
  learnedFromMs: number;
  learnedToMs: number;
  /** Epochs that an earlier attempt had done; 0 where this one began from nothing. */
  resumedFromEpoch: number;
  passedOver: BackEndInUse['passedOver'];
};

export type Evaluation = Manifest['scores'];

const seriesOf = ({ series, ...shape }: Dataset): ScaledSeries[] =>
  series.map((one) => new ScaledSeries({ ...shape, ...one } satisfies SeriesToForecast)).filter(canHoldBack);

const endMsOf = ({ source, length }: ScaledSeries): number =>
  source.startMs + length * source.stepSeconds * 1000;

/**
 * Trains on a run's data set but for the part held back, with a checkpoint after each epoch, and goes on from the
 * last one where there is one of the same data, plan and back end.
 *
 * @throws SwarmError conflict where no series is long enough; not-found where the data set is gone
 */
export const train = async (
  files: TrainingFiles,
  options: {
    seed: number;
    backEnd: BackEndInUse;
    startFrom: StartingPoint | null;
    onProgress: (progress: TrainingProgress) => void;
  },
): Promise<TrainingResult> => {
  const { dataset, sha256: datasetSha256 } = await files.readDataset();
  const series = trainable(seriesOf(dataset).map((one) => one.before(heldBackFrom(one))));
  if (series.length === 0) {
    throw new SwarmError(
      'conflict',
      'No series is long enough to train on.',
      'Wait until three days are measured.',
    );
  }
  const plan = planTraining(series, { seed: options.seed, adapts: options.startFrom !== null });
  const identity: TrainingIdentity = {
    datasetSha256,
    plan,
    backEnd: options.backEnd.name,
    startedFrom: options.startFrom?.id ?? null,
  };
  const found = await files.readCheckpoint();
  let checkpoint: Checkpoint =
    found && isDeepStrictEqual(found.identity, identity)
      ? found
      : { identity, state: beginTraining(plan, options.startFrom?.weights), loss: NaN, seconds: 0 };
  const resumedFromEpoch = checkpoint.state.epochsDone;
  while (checkpoint.state.epochsDone < plan.epochs) {
    const startedAtMs = performance.now();
    const { state, loss } = await trainEpoch(series, plan, checkpoint.state);
    const seconds = checkpoint.seconds + (performance.now() - startedAtMs) / 1000;
    checkpoint = { identity, state, loss, seconds };
    await files.writeCheckpoint(checkpoint);
    options.onProgress({ epochsDone: state.epochsDone, epochs: plan.epochs, loss });
  }
  const { loss, seconds } = checkpoint;
  return {
    ...plan,
    startedFrom: identity.startedFrom,
    backEnd: identity.backEnd,
    loss,
    seconds: Number(seconds.toFixed(2)),
    series: series.length,
    learnedFromMs: dataset.startMs,
    learnedToMs: Math.max(...series.map((one) => endMsOf(one))),
    resumedFromEpoch,
    passedOver: options.backEnd.passedOver,
  };
};

/** Scores a run's trained net and the model in use on the windows held back. @throws SwarmError not-found */
export const evaluate = async (files: TrainingFiles, inUse: StartingPoint | null): Promise<Evaluation> => {
  const { dataset } = await files.readDataset();
  const checkpoint = await files.readCheckpoint();
  if (!checkpoint) throw new SwarmError('not-found', 'There is no trained net to evaluate.');
  const windows = heldBackWindows(seriesOf(dataset));
  const scoreOf = (weights: Weights): Score => {
    const net = new QuantileNet(weights);
    try {
      return scoreWindows(windows, forecastOrigins(net, windows));
    } finally {
      net.dispose();
    }
  };
  return {
    windows: windows.length,
    evidence: evidenceIn(windows),
    candidate: scoreOf(checkpoint.state.weights),
    inUse: inUse && { id: inUse.id, ...scoreOf(inUse.weights) },
  };
};
