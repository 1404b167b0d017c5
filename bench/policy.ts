import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { simulationLines } from '../src/cli/simulation-lines';
import {
  defaultSimulation,
  POLICY_NAMES,
  readTraces,
  simulate,
  worldOfTraces,
  type Measures,
} from '../src/simulator';
import { rounded } from './lib/statistics';

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number, 1 or more');
  return value;
};

interface Options {
  traces: string;
  hours: number;
  channels: number;
  seed: number;
}

const camelCase = (name: string): string =>
  name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

const roundedMeasures = (measures: Measures): Record<string, number | null> =>
  Object.fromEntries(
    Object.entries(measures).map(([name, value]) => [name, rounded(value as number | null, 3)]),
  );

const ratio = (a: number | null | undefined, b: number | null | undefined): string =>
  a === null || a === undefined || !b ? '-' : (a / b).toFixed(3);

const main = async (o: Options): Promise<void> => {
  // npm runs scripts in the project's folder; a folder named on the command line is relative to the caller's.
  const folder = resolve(process.env.INIT_CWD ?? process.cwd(), o.traces);
  console.log(
    `policy bench: ${o.channels} channels, ${o.hours} h, seed ${o.seed}. ` +
      `Repeat: npm run bench:policy -- --traces ${o.traces} --channels ${o.channels} --hours ${o.hours} --seed ${o.seed}`,
  );
  const world = worldOfTraces(await readTraces(folder), o);
  const result = simulate(world, { ...defaultSimulation(), policies: POLICY_NAMES });
  console.log(simulationLines(result).join('\n'));
  const measures = Object.fromEntries(result.runs.map((run) => [run.policy, run.measures]));
  const { swarm, hpa, clairvoyant } = measures;
  console.log(
    `  swarm's encoder-hours: ${ratio(swarm?.encoderHours, hpa?.encoderHours)} x hpa, ` +
      `${ratio(swarm?.encoderHours, clairvoyant?.encoderHours)} x clairvoyant, ` +
      `${ratio(swarm?.encoderHours, measures['static-peak']?.encoderHours)} x static-peak`,
  );
  const byName = Object.entries(measures).map(([name, m]) => [camelCase(name), roundedMeasures(m)]);
  const { hours, channels, seed, ladderChangesPerChannelDay } = result;
  console.log(
    JSON.stringify({
      ...Object.fromEntries(byName),
      hours,
      channels,
      seed,
      ladderChangesPerChannelDay: rounded(ladderChangesPerChannelDay, 3),
    }),
  );
};

const program = new Command('bench:policy')
  .description('Plays every policy in one simulated swarm made from real traces, and compares them.')
  .option('--traces <dir>', 'folder of CSV files (timestamp,value)', '../shared/traces')
  .option('--hours <n>', 'hours to simulate', wholeNumber, 48)
  .option('--channels <n>', 'channels to make from the traces', wholeNumber, 200)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .parse();

main(program.opts<Options>()).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
