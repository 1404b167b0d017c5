import { type Command } from 'commander';
import { operations, type Accuracy, type WhatIf } from '../../contracts/api';
import { wholeNumberOption } from '../../platform/terminal/number-option';
import { seconds, table, units } from '../../platform/terminal/table';
import { contextOf } from '../context';
import { plotForecast } from '../forecast-plot';
import { subjectOf, type ForecastSubject } from '../forecast-subject';

const DEFAULT_COLUMNS = 80;
/** So much of the past is shown beside a forecast: three times as long, a day at least. */
const PAST_PER_STEP = 3;
const MIN_PAST_STEPS = 24;

const useColour = (): boolean => process.stdout.isTTY && !process.env.NO_COLOR;

/** The curve of a channel, an encoder or a region. */
export const showForecast = async (
  id: string,
  options: { plot?: boolean },
  command: Command,
): Promise<void> => {
  const { api, print } = contextOf(command);
  const forecasts = await api.call(operations.getForecasts, {});
  const subject = subjectOf(forecasts, id);
  const { forecastId, model, issuedAtMs, stepSeconds } = forecasts;
  const history = subject.history.slice(-Math.max(MIN_PAST_STEPS, PAST_PER_STEP * subject.curve.p50.length));
  const title =
    `${subject.id}: ${subject.what}, forecast ${forecastId ?? '?'} (${model ?? '?'}), ` +
    `${seconds(forecasts.atMs - (issuedAtMs ?? 0))} old, steps of ${stepSeconds} s.`;
  const notes = [
    ...(subject.held ? ['Too little history: the current level is held.'] : []),
    ...subject.notes,
  ];
  print({ forecastId, model, issuedAtMs, stepSeconds, ...subject, history }, () =>
    options.plot
      ? [
          ...plotForecast({
            title,
            history,
            curve: subject.curve,
            firstMs: issuedAtMs ?? forecasts.atMs,
            stepSeconds,
            columns: process.stdout.columns ?? DEFAULT_COLUMNS,
            colour: useColour(),
          }),
          ...notes,
        ]
      : [title, ...curveLines(subject, issuedAtMs ?? forecasts.atMs, stepSeconds), ...notes],
  );
};

const curveLines = (
  { curve, units: need, kind }: ForecastSubject,
  firstMs: number,
  step: number,
): string[] => {
  const digits = kind === 'channel' ? 0 : 2;
  return table(
    ['until', 'P10', 'P50', 'P90', ...(need ? ['units P50', 'units P90'] : [])],
    curve.p50.map((p50, i) => [
      new Date(firstMs + (i + 1) * step * 1000).toISOString().slice(11, 19),
      (curve.p10[i] ?? p50).toFixed(digits),
      p50.toFixed(digits),
      (curve.p90[i] ?? p50).toFixed(digits),
      ...(need ? [units(need.p50[i] ?? null), units(need.p90[i] ?? null)] : []),
    ]),
  );
};

/** `forecast score` and `forecast what-if`. */
export const addForecastViews = (forecast: Command): void => {
  forecast
    .command('score')
    .description('how earlier forecasts fared against what came, per series and steps ahead')
    .option('--steps <number>', 'number of forecast steps up to now', wholeNumberOption(1, 10_000), 168)
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm forecast score\n  encoder-swarm forecast score --steps 24 --json',
    )
    .action(async (options: { steps: number }, command: Command) => {
      const { api, print } = contextOf(command);
      const accuracy = await api.call(operations.getAccuracy, { query: { steps: options.steps } });
      print(accuracy, () => scoreLines(accuracy));
    });

  forecast
    .command('what-if')
    .description('demand of the encoders concerned if a channel were on another encoder; changes nothing')
    .argument('<channel>', 'channel to place')
    .argument('<encoder>', 'where to')
    .addHelpText('after', '\nExamples:\n  encoder-swarm forecast what-if ch-1 enc-2')
    .action(async (channel: string, encoder: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const answer = await api.call(operations.whatIfOne, { query: { channel, encoder } });
      print(answer, () => whatIfLines(answer));
    });
};

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const scoreLines = ({ series, stepSeconds, model, sinceMs }: Accuracy): string[] => [
  `Model in use: ${model ?? 'none'}. Scored since ${new Date(sinceMs).toISOString()}, steps of ${stepSeconds} s.`,
  ...table(
    ['series', 'ahead', 'steps', 'pinball', 'MASE', 'in P10-P90', 'above P90', 'bias', 'band', 'drift'],
    series.map((s) => [
      s.kind === 'viewers' ? s.id : `CDN ${s.id}`,
      s.lead,
      s.count,
      figure(s.pinball),
      s.mase === null ? null : s.mase.toFixed(2),
      percent(s.coverage),
      percent(s.over90),
      figure(s.bias),
      `-${s.widthLow.toFixed(1)} +${s.widthHigh.toFixed(1)}`,
      s.drifting ? 'DRIFT' : 'no',
    ]),
  ),
  'Right: 80 % in P10-P90, 10 % above P90. MASE below 1 beats the same hour of the day before.',
  'Band: what past errors have made of the widths below and above P50.',
];

const figure = (value: number): string => value.toFixed(Math.abs(value) >= 10 ? 1 : 4);

const whatIfLines = ({ encoders, forecastId, correlation }: WhatIf): string[] =>
  encoders.length === 0
    ? ['It is there already: nothing would change.']
    : [
        ...table(
          ['encoder', 'channels then', 'P90 now', 'P90 then', 'if all err alike', 'limit', 'fits'],
          encoders.map((e) => [
            e.id,
            e.channels.join(', ') || null,
            units(e.peakP90Now),
            units(e.peakP90),
            units(e.peakBoundP90),
            units(e.limitUnits),
            e.fits === null ? null : e.fits ? 'yes' : 'NO',
          ]),
        ),
        `Highest values over the horizon of ${forecastId}, in encode units; errors of two channels correlate by ${correlation.toFixed(2)}.`,
      ];
