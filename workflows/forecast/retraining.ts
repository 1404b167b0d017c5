import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { CollectedHistory, EvaluatedModel, SettledModel, TrainedModel } from '../../activities';
import { upsertAttributes } from '../kit/attributes';
import { retryFor6h, training } from '../kit/steps';
import { Story } from '../kit/story';

/** Two days to learn from, and two to judge by. */
const MIN_DAYS = 4;

export type RetrainingResult =
  | { outcome: 'skipped'; why: string }
  | ({ outcome: 'promoted' | 'refused'; seed: number; pinball: number } & SettledModel);

/**
 * Runs on a Schedule: learns from the latest history, and takes the new net into use if it is not worse than the one
 * in use on windows that neither has learned from. Forecasts go on meanwhile; nothing waits for this.
 */
export const retraining = async (): Promise<RetrainingResult> => {
  const { runId, startTime } = workflowInfo();
  const run = { runId };
  const startedAtMs = startTime.getTime();
  const seed = Math.floor(Math.random() * 2 ** 31);
  const story = new Story(`Retraining, seed ${seed}`, startedAtMs);
  try {
    const history = await story.step('collect', () => training.collectTrainingHistory(run), inWords.history);
    if (history.series === 0 || history.days < MIN_DAYS) {
      const why = `too little history yet: ${inWords.history(history)}; ${MIN_DAYS} days are needed`;
      story.say(why);
      await training.discardTraining(run);
      upsertAttributes({ outcome: 'skipped' });
      return { outcome: 'skipped', why };
    }
    const trained = await story.step('train', () => training.trainModel({ ...run, seed }), inWords.trained);
    const evaluated = await story.step('evaluate', () => training.evaluateModel(run), inWords.evaluated);
    const modelId = modelIdOf(startedAtMs, runId);
    const settled = await story.step(
      'settle',
      () => training.settleModel({ run, modelId, atMs: startedAtMs, trained, evaluated }),
      ({ accepted, why }) => `${modelId} ${accepted ? 'promoted' : 'refused'}: ${why}`,
    );
    const outcome = settled.accepted ? 'promoted' : 'refused';
    upsertAttributes({ outcome });
    return { outcome, seed, pinball: evaluated.candidate.pinball, ...settled };
  } catch (error) {
    await CancellationScope.nonCancellable(() => retryFor6h.discardTraining(run));
    throw error;
  }
};

/** `m-20261122-213000-1a2b3c4d`: sorts by time, and is the same for every attempt of one run. */
const modelIdOf = (startedAtMs: number, runId: string): string => {
  const [date, time] = new Date(startedAtMs).toISOString().replace(/[-:]/g, '').slice(0, 15).split('T');
  return `m-${date}-${time}-${runId.slice(0, 8)}`;
};

const inWords = {
  history: ({ series, days }: CollectedHistory) => `${series} series of ${days} days`,
  trained: ({ epochs, loss, seconds, backEnd, passedOver, resumedFromEpoch }: TrainedModel) =>
    `${epochs} epochs in ${seconds} s on ${backEnd}, loss ${loss.toFixed(4)}` +
    (resumedFromEpoch > 0 ? `, went on after epoch ${resumedFromEpoch}` : '') +
    passedOver.map(({ name, why }) => `; not on ${name}: ${why}`).join(''),
  evaluated: ({ windows, candidate, inUse }: EvaluatedModel) =>
    `${windows} windows held back: pinball ${candidate.pinball.toFixed(3)} of the day-seasonal naive's` +
    (inUse ? `, model in use (${inUse.id}) ${inUse.pinball.toFixed(3)}` : ''),
};
