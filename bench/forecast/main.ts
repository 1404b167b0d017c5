import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { SwarmError } from '../../src/domain';
import { loadDefaultForecaster } from '../../src/models';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { StepReporter, explainFailure, runCommand } from '../../src/setup';
import { generateEventAudiences } from './event-audience';
import { measureEventGain, type EventGain } from './event-gain';
import { measureForecastSpeed, type ForecastSpeed } from './forecast-speed';
import { prepareOtherTraces, preparePython } from './python-environment';
import {
  parseScoreTable,
  secondsPerSeries,
  summaryOf,
  type ScoreSummary,
  type ScoreTable,
} from './score-table';

const ROOT = join(__dirname, '..', '..', '..');
/** Not compiled, so it stays beside the sources. */
const OTHER_TRACES_SCRIPT = join(ROOT, 'bench', 'forecast', 'other_traces.py');
const SCORE_LIMIT_MS = 3_600_000;
/** What the scorer takes by default. */
const DEFAULT_ORIGINS = { hourly: 7, fine: 24 };

interface Options {
  traces: string;
  scorer: string;
  peers: boolean;
  others: boolean;
  series: number;
  origins?: number;
  seed: number;
}

const wholeNumber = wholeNumberOption(1);

const requirePath = async (path: string, what: string, option: string): Promise<void> => {
  await access(path).catch(() => {
    throw new SwarmError(
      'not-found',
      `There is no ${path}: ${what}.`,
      `Name it: npm run bench:forecast -- ${option}`,
    );
  });
};

/** One run of the scorer: what it printed, and its table. */
const score = async (
  python: string,
  options: Options,
  fine: boolean,
  progress: (line: string) => void,
): Promise<{ text: string; table: ScoreTable; origins: number }> => {
  const lines: string[] = [];
  const candidate = `"${process.execPath}" "${join(ROOT, 'bin', 'encoder-swarm.js')}" forecast --jsonl`;
  const result = await runCommand(
    python,
    [
      options.scorer,
      ...['--traces', options.traces, '--candidate', candidate],
      ...(fine ? ['--fine'] : []),
      ...(options.peers ? [] : ['--no-peers']),
      ...(options.origins === undefined ? [] : ['--origins', String(options.origins)]),
    ],
    {
      env: process.env,
      timeoutMs: SCORE_LIMIT_MS,
      onLine: (line) => {
        lines.push(line);
        progress(line);
      },
    },
  );
  if (!result.ok)
    throw new SwarmError(
      'internal',
      `The scorer failed: ${explainFailure(result)}.`,
      'See what it printed above.',
    );
  const text = lines.join('\n');
  const origins = options.origins ?? (fine ? DEFAULT_ORIGINS.fine : DEFAULT_ORIGINS.hourly);
  return { text, table: parseScoreTable(text), origins };
};

const rounded = <T extends object>(figures: T): T =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'number' ? Number(value.toPrecision(4)) : value,
    ]),
  ) as T;

const forecastAndLearn = ({ forecastCpuSeconds, relearnCpuSeconds }: ForecastSpeed): number =>
  forecastCpuSeconds + relearnCpuSeconds;

const figuresTable = (
  hourly: ScoreSummary,
  fine: ScoreSummary,
  events: EventGain,
  speed: ForecastSpeed,
): string => {
  const table = new Table({
    head: ['figure', 'reached', 'wanted'],
    style: { head: [], border: [], compact: true },
  });
  const against = ({ pinball, bestPeer }: ScoreSummary): string =>
    bestPeer === null ? 'no peers' : (pinball / bestPeer).toFixed(3);
  table.push(
    ['hourly: pinball over the best peer', against(hourly), '<= 0.85'],
    ['fine: pinball over the best peer', against(fine), '<= 0.95'],
    ['hourly: within P10 and P90', hourly.cover80.toFixed(3), '0.77 to 0.83'],
    ['fine: within P10 and P90', fine.cover80.toFixed(3), '0.77 to 0.83'],
    ['hourly: above P90', hourly.over90.toFixed(3), '0.08 to 0.12'],
    ['fine: above P90', fine.over90.toFixed(3), '0.08 to 0.12'],
    ['events: MASE with over without', events.ratio.toFixed(3), '<= 0.72'],
    [`${speed.series} x 24, learned: CPU s`, speed.forecastCpuSeconds.toFixed(2), '<= 2 for 1,000'],
    ['a step with its share of learning: CPU s', forecastAndLearn(speed).toFixed(2), ''],
    ['learning all of them, once a day: CPU s', speed.learnCpuSeconds.toFixed(1), ''],
  );
  return table.toString();
};

type Scored = Awaited<ReturnType<typeof score>>;

/** The same on real series of other origins, so that nobody need believe that the traces are not what was fitted to. */
const scoreOthers = async (
  python: string,
  options: Options,
  reporter: StepReporter,
): Promise<{ hourly: Scored; fine: Scored }> => {
  const folder = await reporter.step('other series', (progress) =>
    prepareOtherTraces(python, OTHER_TRACES_SCRIPT, process.env, progress),
  );
  const scoreKind = (kind: 'hourly' | 'fine'): Promise<Scored> =>
    reporter.step(`other series, ${kind}`, (progress) =>
      score(python, { ...options, traces: join(folder, kind) }, kind === 'fine', progress),
    );
  return { hourly: await scoreKind('hourly'), fine: await scoreKind('fine') };
};

const main = async (given: Options): Promise<void> => {
  const from = process.env.INIT_CWD ?? process.cwd();
  const options = { ...given, traces: resolve(from, given.traces), scorer: resolve(from, given.scorer) };
  await requirePath(
    options.traces,
    'the folder of traces to forecast (CSV: timestamp,value)',
    '--traces DIR',
  );
  await requirePath(options.scorer, 'the scorer', '--scorer FILE');
  const reporter = new StepReporter(process.stdout);
  const { forecaster, members, backend } = await loadDefaultForecaster();
  console.log(`forecast bench: back end ${backend}, seed of the generated audience ${options.seed}`);
  const python = await reporter.step('Python', (progress) => preparePython(process.env, progress));
  const hourly = await reporter.step('hourly', (progress) => score(python, options, false, progress));
  const fine = await reporter.step('fine', (progress) => score(python, options, true, progress));
  const events = await reporter.step('events', async () =>
    measureEventGain(forecaster, generateEventAudiences({ seed: options.seed, channels: 12, weeks: 6 })),
  );
  const speed = await reporter.step('speed', async () =>
    measureForecastSpeed(members, { series: options.series, seed: options.seed }),
  );
  const others = options.others ? await scoreOthers(python, options, reporter) : null;
  console.log(`\nHourly, one day ahead\n${hourly.text}\n\nFine (5 min), one hour ahead\n${fine.text}\n`);
  const [hourlySummary, fineSummary] = [summaryOf(hourly.table), summaryOf(fine.table)];
  console.log(figuresTable(hourlySummary, fineSummary, events, speed));
  if (others)
    console.log(`\nSeries of other origins, hourly\n${others.hourly.text}\n\nfine\n${others.fine.text}\n`);
  const { maseWith, maseWithout, ratio } = events;
  console.log(
    JSON.stringify({
      hourly: rounded(hourlySummary),
      fine: rounded(fineSummary),
      events: rounded({ maseWith, maseWithout, ratio }),
      ...(others && {
        others: {
          hourly: rounded(summaryOf(others.hourly.table)),
          fine: rounded(summaryOf(others.fine.table)),
        },
      }),
      speed: rounded(speed),
      secondsPerSeries: Number(secondsPerSeries([hourly, fine]).toPrecision(3)),
      backend,
    }),
  );
};

const program = new Command('bench:forecast')
  .description(
    'Scores the forecasts beside StatsForecast on real traces, and what known events are worth on generated ones.',
  )
  .option('--traces <dir>', 'folder of CSV files: timestamp,value', join(ROOT, 'data', 'traces'))
  .option('--scorer <file>', 'the scoring program', join(ROOT, 'bench', 'forecast', 'score.py'))
  .option('--no-peers', 'leave the StatsForecast models out: quicker, nothing to compare with')
  .option('--others', 'also on real series of other origins, out of a Python package', false)
  .option('--series <n>', 'generated series of six weeks for the speed', wholeNumber, 1_000)
  .option('--origins <n>', 'windows per trace (default: 7 hourly, 24 fine)', wholeNumber)
  .option('--seed <n>', 'seed of the generated audience', wholeNumber, 1)
  .addHelpText(
    'after',
    '\nExamples:\n  npm run bench:forecast\n  npm run bench:forecast -- --no-peers --origins 40\n  npm run bench:forecast -- --traces DIR --scorer score.py',
  )
  .parse();

main(program.opts<Options>()).catch((error: unknown) => {
  const { message, hint } = error as SwarmError;
  console.error(`\n${message}${hint ? `\nHint: ${hint}` : ''}`);
  process.exitCode = 1;
});
