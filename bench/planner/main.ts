import { Command } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { rounded } from '../lib/statistics';
import { drawTable } from '../lib/table';
import { runExact } from './exact';
import { repeatCommand, walkFor } from './property-walk';
import { runScale, type ScaleResult } from './scale';

const wholeNumber = wholeNumberOption(1);

const GROWTH_CHANNELS = [1_000, 3_000, 10_000, 30_000, 100_000];
const CHANNELS_PER_ENCODER = 10;

interface Options {
  channels: number;
  encoders: number;
  seed: number;
  growth: boolean;
  consolidate: boolean;
  exact: boolean;
  instances: number;
  properties?: number;
  walk: number;
}

const shown = (value: unknown): string => String(value);

const scaleTable = (results: ScaleResult[]): string => {
  const rows: [string, (r: ScaleResult) => unknown][] = [
    ['channels', (r) => r.channels],
    ['encoders', (r) => r.encoders],
    ['first plan: fitness, reading and planning, ms', (r) => r.planMs],
    ['  the same, CPU ms', (r) => r.planCpuMs],
    ['cycle after 1 % of channels changed, ms, median', (r) => r.incrementalMs],
    ['  slowest', (r) => r.incrementalMaxMs],
    ['  median, CPU ms', (r) => r.incrementalCpuMs],
    ['peak resident memory, MiB (with the fleet itself)', (r) => r.peakRssMiB],
    ['encoders over their limit at P90, before', (r) => r.overloadBefore],
    ['  after the plan', (r) => r.overloadAfter],
    ['moves', (r) => r.moves],
    ['  lower bound', (r) => r.movesLowerBound],
    ['waves', (r) => r.waves],
    ['faults found by the audit', (r) => r.faults],
    ['encoders used', (r) => r.encodersUsed],
    ['  lower bound', (r) => r.encodersLowerBound],
    ['  after consolidation', (r) => r.encodersAfterConsolidation ?? '-'],
  ];
  return drawTable(
    ['', ...results.map(() => '')],
    rows.map(([name, of]) => [name, ...results.map((r) => shown(of(r)))]),
  );
};

const runScales = (options: Options): ScaleResult => {
  const sizes = options.growth
    ? GROWTH_CHANNELS.map((channels) => ({ channels, encoders: channels / CHANNELS_PER_ENCODER }))
    : [options];
  const results = sizes.map(({ channels, encoders }) =>
    runScale({ channels, encoders, seed: options.seed, consolidate: options.consolidate }),
  );
  console.log(scaleTable(results));
  return results.at(-1)!;
};

/** Ends with exit code 1 and the command that repeats the walk alone, where a property does not hold. */
const runProperties = (steps: number, seed: number, firstWalk: number): void => {
  const startedMs = performance.now();
  const { failedWalk, faults, ...counts } = walkFor(seed, steps, {
    firstWalk,
    onProgress: (done) =>
      console.log(`  ${done} steps, ${Math.round((performance.now() - startedMs) / 1000)} s`),
  });
  if (failedWalk !== null) {
    console.log(faults.join('\n'));
    console.log(`Repeat: ${repeatCommand(seed, failedWalk)}`);
    process.exitCode = 1;
  }
  const seconds = rounded((performance.now() - startedMs) / 1000, 1);
  console.log(JSON.stringify({ ...counts, faults: faults.length, failedWalk, seconds, seed }));
};

const main = async (options: Options): Promise<void> => {
  const mode = options.properties
    ? `--properties ${options.properties}`
    : options.exact
      ? `--exact --instances ${options.instances}`
      : options.growth
        ? '--growth'
        : `--channels ${options.channels} --encoders ${options.encoders}${options.consolidate ? ' --consolidate' : ''}`;
  console.log(
    `planner bench, seed ${options.seed}. Repeat: npm run bench:planner -- ${mode} --seed ${options.seed}`,
  );
  if (options.properties !== undefined) {
    runProperties(options.properties, options.seed, options.walk);
    return;
  }
  if (!options.exact) {
    console.log(JSON.stringify(runScales(options)));
    return;
  }
  const { rows, summary } = await runExact(options.instances, options.seed);
  console.log(drawTable(['problem', 'moves', 'optimum', 'encoders', 'optimum', 'times'], rows));
  console.log(JSON.stringify(summary));
};

const program = new Command('bench:planner')
  .description(
    'Measures the planner: time and memory at scale, and small problems against the exact optimum.',
  )
  .option('--channels <n>', 'channels of the fleet', wholeNumber, 10_000)
  .option('--encoders <n>', 'encoders of the fleet', wholeNumber, 1_000)
  .option('--seed <n>', 'decides the fleet', wholeNumber, 1)
  .option('--growth', '1,000 to 100,000 channels, ten on each encoder', false)
  .option(
    '--consolidate',
    'afterwards let encoders go, one a cycle, until none can (minutes at 100,000)',
    false,
  )
  .option(
    '--properties <steps>',
    'number of steps of small fleets, each plan held to its properties',
    wholeNumber,
  )
  .option('--walk <n>', 'begin the properties at this walk', (text: string) => Number(text), 0)
  .option('--exact', 'small problems, compared with the optimum that HiGHS finds', false)
  .option('--instances <n>', 'number of small problems', wholeNumber, 100)
  .addHelpText(
    'after',
    '\nThe last line of output is JSON.\n\nExamples:\n' +
      '  npm run bench:planner -- --channels 100000 --encoders 10000 --seed 7\n' +
      '  npm run bench:planner -- --growth\n' +
      '  npm run bench:planner -- --exact --seed 7',
  );

main(program.parse().opts<Options>()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
