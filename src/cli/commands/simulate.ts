import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readEnvironment } from '../../config/config';
import { SwarmError, policySchema } from '../../domain';
import { wholeNumberOption } from '../../platform/terminal/number-option';
import { createCountProgress } from '../../platform/terminal/progress';
import {
  defaultSimulation,
  POLICY_NAMES,
  readHistory,
  readTraces,
  simulate,
  worldOfTraces,
  type Measures,
  type PolicyName,
  type SimulationOptions,
  type SimulationResult,
} from '../../simulator';
import { simulationLines } from '../../simulator';
import { contextOf } from '../context';
import { durationOption } from '../options';
import { requireWritable } from '../writable';

interface SimulateOptions {
  traces?: string;
  history?: number;
  policy: PolicyName[];
  hours: number;
  channels: number;
  seed: number;
  boot?: [number, number];
  svg?: string;
}

const DEFAULT_HOURS = 24;
const DEFAULT_CHANNELS = 200;
/** Longest first part of a past time that only serves to settle in. */
const HISTORY_WARM_UP_SHARE = 0.1;

const parseRange = (text: string): [number, number] => {
  const [, low, high] = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (low !== undefined && high !== undefined && Number(low) <= Number(high))
    return [Number(low), Number(high)];
  throw new InvalidArgumentError('Two numbers of seconds, like 60-300.');
};

export const addSimulate = (program: Command): void => {
  program
    .command('simulate')
    .description('play policies against each other in a simulated swarm: real traces, or last night again')
    .addOption(new Option('--traces <dir>', 'folder of CSV files (timestamp,value)').conflicts('history'))
    .option(
      '--history <duration>',
      "instead of traces: this swarm's own telemetry of the time just past",
      durationOption(),
    )
    .addOption(
      new Option('--policy <name...>', 'policies to play')
        .choices(POLICY_NAMES)
        .default([...POLICY_NAMES], 'all'),
    )
    .option('--hours <n>', 'hours to simulate', wholeNumberOption(2, 24 * 14), DEFAULT_HOURS)
    .option(
      '--channels <n>',
      'channels to make from the traces',
      wholeNumberOption(1, 100_000),
      DEFAULT_CHANNELS,
    )
    .option('--seed <n>', 'seed of every random choice', wholeNumberOption(0, 2 ** 31), 1)
    .option(
      '--boot <seconds>',
      'range of the time in which an encoder becomes ready (default: 60-300)',
      parseRange,
    )
    .option('--svg <file>', 'draw encoders and overload over time')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  encoder-swarm simulate --traces traces --hours 72 --svg policies.svg\n' +
        '  encoder-swarm simulate --traces traces --policy swarm hpa --seed 7 --json\n' +
        '  encoder-swarm simulate --history 12h --policy swarm static-peak',
    )
    .action(async (options: SimulateOptions, command: Command) => {
      const { json, print } = contextOf(command);
      if (options.svg !== undefined) await requireWritable('--svg', options.svg);
      const progress = createCountProgress({
        hidden: json,
        format: 'Simulating [{bar}] {percentage} %, {eta_formatted} left',
      });
      const { result, asItWas } = await play(options, progress.onProgress).finally(progress.stop);
      if (options.svg !== undefined) await draw(options.svg, result);
      const { runs, ...world } = result;
      const measures = Object.fromEntries(runs.map((run) => [run.policy, run.measures]));
      const { hours, channels, seed, ladderChangesPerChannelDay, limitUnits } = world;
      print(
        {
          seed,
          hours,
          channels,
          limitUnits,
          ladderChangesPerChannelDay,
          ...(asItWas && { asItWas }),
          policies: measures,
        },
        () => simulationLines(result, asItWas),
      );
    });
};

interface Played {
  result: SimulationResult;
  asItWas?: Measures;
}

const play = async (
  options: SimulateOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Played> => {
  const defaults = defaultSimulation();
  const simulation: SimulationOptions = {
    ...defaults,
    policies: options.policy,
    onProgress,
    ...(options.boot && { provider: { ...defaults.provider, bootSeconds: options.boot } }),
  };
  if (options.history !== undefined) return playHistory(options, options.history, simulation);
  if (options.traces === undefined) {
    throw new SwarmError(
      'bad-request',
      'Nothing to simulate.',
      'Name a folder of traces with --traces DIR, or the past of this swarm with --history DURATION.',
    );
  }
  const { hours, channels, seed } = options;
  const world = worldOfTraces(await readTraces(options.traces), { hours, channels, seed });
  return { result: simulate(world, simulation) };
};

const playHistory = async (
  options: SimulateOptions,
  seconds: number,
  simulation: SimulationOptions,
): Promise<Played> => {
  // Loaded only here: a simulation of traces needs no database client.
  const { createTelemetryStore } = await import('../../telemetry');
  const environment = readEnvironment();
  const limits = policySchema.parse({});
  const store = createTelemetryStore(environment);
  try {
    const { world, capacityUnits, zones, asItWas } = await readHistory(store, {
      cell: environment.SWARM_CELL,
      stepSeconds: environment.SWARM_STEP_SECONDS,
      seconds,
      endMs: Date.now(),
      limitFraction: limits.limitFraction,
      seed: options.seed,
    });
    const warmUpSeconds = Math.min(simulation.warmUpSeconds, seconds * HISTORY_WARM_UP_SHARE);
    return {
      asItWas,
      result: simulate(world, { ...simulation, limits, capacityUnits, zones, warmUpSeconds }),
    };
  } finally {
    await store.close();
  }
};

const draw = async (file: string, result: SimulationResult): Promise<void> => {
  const { plotSvg } = await import('../../simulator/plot');
  await writeFile(file, plotSvg(result));
};
