import type { Command } from 'commander';
import { operations, type Models } from '../../contracts/api';
import type { Manifest } from '../../contracts/model-manifest';
import { table } from '../../platform/terminal/table';
import { contextOf } from '../context';

const when = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const figure = (value: number | undefined): string | null => (value === undefined ? null : value.toFixed(3));

const EXAMPLES = `
Examples:
  encoder-swarm model list           what was trained, promoted and refused
  encoder-swarm model show shipped-7 data range, seed, back end and scores of one
  encoder-swarm model retrain        train now instead of when it is due`;

const backEndLine = ({ backEnd }: Models): string => {
  if (!backEnd) return 'No back end was loaded yet.';
  const passed = backEnd.passedOver.map(({ name, why }) => ` Not on ${name}: ${why}.`);
  return `TensorFlow.js runs on ${backEnd.name}.${passed.join('')}`;
};

const listLines = (answer: Models): string[] => [
  ...table(
    ['model', 'trained', 'series', 'pinball', 'in use then', 'verdict'],
    answer.models.map((m) => [
      m.id,
      when(m.trainedAtMs),
      m.data.series,
      figure(m.scores.candidate.pinball),
      figure(m.scores.inUse?.pinball),
      m.id === answer.inUse ? 'in use' : m.accepted ? 'accepted' : 'refused',
    ]),
  ),
  ...answer.damaged.map(({ id, why }) => `! ${id}: ${why}`),
  backEndLine(answer),
];

const scoreRow = (name: string, score: Manifest['scores']['candidate']): (string | null)[] => [
  name,
  figure(score.pinball),
  figure(score.cover80),
  figure(score.over90),
];

const showLines = ({ id, data, training, scores, accepted, why }: Manifest): string[] => [
  `${id}: ${accepted ? 'accepted' : 'refused'}, ${why}.`,
  `Data: ${data.description}; ${data.series} series, steps of ${data.stepSeconds} s` +
    (data.toMs > 0 ? `, ${when(data.fromMs)} to ${when(data.toMs)} UTC.` : '.'),
  `Training: ${training.epochs} epochs of ${training.batchesPerEpoch} x ${training.batchSize} examples ` +
    `in ${training.seconds} s on ${training.backEnd}, seed ${training.seed}, from ${training.startedFrom ?? 'random weights'}.`,
  `Held back: ${scores.windows} windows${scores.evidence ? `, ${scores.evidence.measured} of ${scores.evidence.steps} steps measured` : ''}. Pinball loss as a ratio to the day-seasonal naive, cover of P10 to P90, above P90:`,
  ...table(
    ['', 'pinball', 'cover', 'above'],
    [
      scoreRow('this model', scores.candidate),
      ...(scores.inUse ? [scoreRow(scores.inUse.id, scores.inUse)] : []),
    ],
  ),
];

export const addModel = (program: Command): void => {
  const model = program
    .command('model')
    .description('list, show and retrain the net that forecasts')
    .addHelpText('after', EXAMPLES);

  model
    .command('list')
    .description('models kept, the newest first, with their scores; and the back end in use')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.listModels, {});
      print(answer, () => listLines(answer));
    });

  model
    .command('show')
    .description('data range, seed, back end, scores and verdict of a model')
    .argument('<model>', 'id, from model list')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.getModel, { params: { id } });
      print(answer, () => showLines(answer));
    });

  model
    .command('retrain')
    .description('train now; ignored while a training is under way')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.retrain, {});
      print(answer, () => [
        `Retraining begins; follow the workflow ${answer.scheduleId} in Temporal, or encoder-swarm model list.`,
      ]);
    });
};
