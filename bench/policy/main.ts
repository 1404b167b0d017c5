import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { table } from '../../src/platform/terminal/table';
import { simulationLines } from '../../src/simulator';
import {
  defaultSimulation,
  POLICY_NAMES,
  readTraces,
  simulate,
  worldOfTraces,
  type Trace,
} from '../../src/simulator';
import { rounded } from '../lib/statistics';
import { generatedTraces } from './generated-traces';
import { meanMeasures, measuresOf, parseSeeds, roundedNumbers, targetsOf } from './seeds';

/** Stands for traces that are made, not read. */
const GENERATED = 'generated';

const wholeNumber = wholeNumberOption(1);

const seedList = (text: string): number[] => {
  const seeds = parseSeeds(text);
  if (seeds.length === 0)
    throw new InvalidArgumentError('a seed, a range such as 1..5, or a list such as 1,4,9');
  return seeds;
};

interface Options {
  traces: string[];
  hours: number;
  channels: number;
  seeds: number[];
}

const camelCase = (name: string): string =>
  name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** npm runs scripts in the project's folder; a folder named on the command line is relative to the caller's. */
const tracesOf = async (names: readonly string[], seed: number): Promise<Trace[]> => {
  const sets = await Promise.all(
    names.map(async (name) =>
      name === GENERATED
        ? generatedTraces(seed)
        : readTraces(resolve(process.env.INIT_CWD ?? process.cwd(), name)),
    ),
  );
  return sets.flat();
};

const main = async (options: Options): Promise<void> => {
  const seeds =
    options.seeds.length > 1 ? `--seeds ${options.seeds.join(',')}` : `--seed ${options.seeds[0]}`;
  console.log(
    `policy bench: ${options.channels} channels, ${options.hours} h. ` +
      `Repeat: npm run bench:policy -- --traces ${options.traces.join(' ')} --channels ${options.channels} --hours ${options.hours} ${seeds}`,
  );
  const results: ReturnType<typeof simulate>[] = [];
  for (const seed of options.seeds) {
    const world = worldOfTraces(await tracesOf(options.traces, seed), { ...options, seed });
    const result = simulate(world, { ...defaultSimulation(), policies: POLICY_NAMES });
    console.log(simulationLines(result).join('\n'));
    results.push(result);
  }
  const bySeed = results.map((result) => ({
    seed: result.seed,
    ...roundedNumbers(targetsOf(measuresOf(result))),
  }));
  const names = Object.keys(targetsOf({}));
  const shown = (row: object): (string | number | null)[] =>
    names.map((name) => (row as Record<string, number | null>)[name] ?? '-');
  const means = Object.fromEntries(
    POLICY_NAMES.map((policy) => [
      policy,
      meanMeasures(results.map((result) => measuresOf(result)[policy]!)),
    ]),
  );
  const overall = roundedNumbers(targetsOf(means));
  console.log(
    '\nThe swarm against the others, by seed; the last row is of the means over all seeds, shares pooled:',
  );
  console.log(
    table(
      ['seed', ...names],
      [...bySeed.map((row) => [row.seed, ...shown(row)]), ['all', ...shown(overall)]],
    ).join('\n'),
  );
  console.log(
    JSON.stringify({
      ...Object.fromEntries(Object.entries(means).map(([name, m]) => [camelCase(name), roundedNumbers(m)])),
      hours: results[0]?.hours,
      channels: results[0]?.channels,
      ...(options.seeds.length > 1 ? { seeds: options.seeds, bySeed } : { seed: options.seeds[0] }),
      targets: overall,
      ladderChangesPerChannelDay: rounded(
        results.reduce((sum, r) => sum + r.ladderChangesPerChannelDay, 0) / results.length,
        3,
      ),
    }),
  );
};

const program = new Command('bench:policy')
  .description('Plays every policy in one simulated swarm made from real traces, and compares them.')
  .option('--traces <dir...>', `folders of CSV files (timestamp,value); "${GENERATED}": seeded made ones`, [
    'data/traces',
  ])
  .option('--hours <n>', 'hours to simulate', wholeNumber, 48)
  .option('--channels <n>', 'channels to make from the traces', wholeNumber, 200)
  .option('--seeds <list>', 'one run for each: 1..5, or 1,4,9', seedList)
  .option('--seed <n>', 'one run with this seed of every random choice', seedList, [1])
  .parse();

const { seed, ...options } = program.opts<Omit<Options, 'seeds'> & { seed: number[]; seeds?: number[] }>();
main({ ...options, seeds: options.seeds ?? seed }).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
