import { Command, InvalidArgumentError } from 'commander';
import { percentile } from '../../src/domain/statistics';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { StepReporter, findOrInstallTools } from '../../src/setup';
import { exitWith } from '../lib/command';
import { rounded } from '../lib/statistics';
import { figureTable } from '../lib/table';
import { runScale } from './scale-run';

interface Options {
  channels: number;
  encoders: number;
  minutes: number;
  reference: number;
  atOnce: number;
  seed: number;
  portBase: number;
  collector: boolean;
}

/** Half of the time, for a cell at rest whose cost is compared. */
const REFERENCE_SHARE = 0.5;

const minutesOption = (text: string): number => {
  const minutes = Number(text);
  if (minutes > 0 && minutes <= 24 * 60) return minutes;
  throw new InvalidArgumentError('Write minutes, such as 1 or 0.5.');
};

const main = async (options: Options): Promise<boolean> => {
  const { channels, encoders, minutes, reference, atOnce, seed, portBase, collector: collects } = options;
  console.log(
    `scale bench: ${channels} channels on ${encoders} encoders, ${minutes} min, seed ${seed}. Repeat: npm run ` +
      `bench:scale -- --channels ${channels} --encoders ${encoders} --minutes ${minutes} --seed ${seed}`,
  );
  const tools = await findOrInstallTools(process.env, new StepReporter(process.stdout));
  const common = { seed, atOnce, portBase, tools, collects, log: (text: string) => console.log(text) };
  const smaller =
    reference > 0 && reference < channels
      ? await runScale({
          ...common,
          cell: { channels: reference, encoders: Math.max(1, Math.round((encoders * reference) / channels)) },
          minutes: minutes * REFERENCE_SHARE,
          isReference: true,
        })
      : null;
  const { beginSeconds, steady, moving } = await runScale({
    ...common,
    cell: { channels, encoders },
    minutes,
    isReference: false,
  });
  const perSecond = moving ? moving.handoffs.completed / moving.handoffs.seconds : 0;
  const { plane: _, ...rss } = moving?.rssMiB ?? steady.rssMiB;
  const result = {
    ...{ channels, encoders },
    cycleMsP50: steady.cycleMsP50,
    cycleMsP99: steady.cycleMsP99,
    cyclesFailed: steady.cyclesFailed,
    handoffsPerSecond: rounded(perSecond, 1),
    ceilingPerSecond: rounded(moving?.ceilingPerSecond ?? null, 1),
    ratioToCeiling: moving ? rounded(perSecond / moving.ceilingPerSecond, 2) : null,
    ceilingOfSameKindsPerSecond: rounded(moving?.ceilingOfSameKindsPerSecond ?? null, 1),
    handoffMsP50: rounded(percentile(moving?.handoffs.tookMs ?? [], 50), 0),
    handoffMsP99: rounded(percentile(moving?.handoffs.tookMs ?? [], 99), 0),
    handoffsOtherwise: [...(moving?.handoffs.others.values() ?? [])].reduce((all, one) => all + one, 0),
    cycleMsP99WhileMoving: moving?.cycleMsP99 ?? null,
    recoveries: steady.recoveries + (moving?.recoveries ?? 0),
    rssMiB: Object.values(rss).reduce((all, one) => all + one, 0),
    historyBytesPerChannelDay: steady.historyBytesPerChannelDay,
    historyBytesPerHandoff: moving?.historyBytesPerHandoff ?? null,
    influxPointsPerSecond: steady.influxPointsPerSecond,
    cpuMsPerSecondAndChannel: steady.cpuPerChannel,
    costPerChannelRatio: smaller ? rounded(steady.cpuPerChannel / smaller.steady.cpuPerChannel, 2) : null,
    reference: smaller ? reference : null,
    beginSeconds: rounded(beginSeconds, 1),
    seed,
  };
  console.log(figureTable(result));
  console.log(JSON.stringify(result));
  return steady.cyclesFailed === 0 && result.recoveries === 0 && perSecond > 0;
};

const wholeNumber = wholeNumberOption(0);
const program = new Command('bench:scale')
  .description(
    'A whole cell on simulated encoders: how long cycles take, how many handoffs a second, what a channel costs.',
  )
  .option('--channels <n>', 'channels on air', wholeNumberOption(1), 100)
  .option('--encoders <n>', 'simulated encoders', wholeNumberOption(1), 10)
  .option('--minutes <n>', 'how long the cell is measured', minutesOption, 1)
  .option(
    '--reference <n>',
    'channels of the smaller cell that the cost is compared with; 0: none',
    wholeNumber,
    0,
  )
  .option('--at-once <n>', 'handoffs under way at a time', wholeNumberOption(1), 50)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 19_000)
  .option('--no-collector', 'nothing polls encoders and origin each second')
  .parse();

exitWith(main(program.opts<Options>()));
