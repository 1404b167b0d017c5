import { Command, InvalidArgumentError } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';

export type BadBuild = 'worse' | 'stall';

export interface RolloutBenchOptions {
  encoders: number;
  channels: number;
  kills: number;
  /** Each of these runs is aborted as well, at a random moment. */
  abort: boolean;
  /** true: the seed chooses. */
  badBuild?: BadBuild | true;
  build: 'npm' | 'pypi';
  seed: number;
  portBase: number;
}

const wholeNumber = wholeNumberOption(0);

const oneOf =
  <T extends string>(...allowed: T[]) =>
  (text: string): T => {
    if (allowed.includes(text as T)) return text as T;
    throw new InvalidArgumentError(`one of ${allowed.join(', ')}`);
  };

/** @throws CommanderError for options that do not exist */
export const readRolloutOptions = (argv: readonly string[]): RolloutBenchOptions =>
  new Command('bench:rollout')
    .description(
      'Upgrades a loaded swarm of real encoders to another real build and back, and checks every frame from outside.',
    )
    .option('--encoders <n>', 'encoder hosts', wholeNumber, 4)
    .option('--channels <n>', 'channels on air', wholeNumber, 6)
    .option('--kills <n>', 'runs in which worker, Temporal and encoders are killed', wholeNumber, 0)
    .option(
      '--abort',
      'with --kills: abort each run at a random moment, so that parts are killed on the way back',
      false,
    )
    .option('--bad-build [kind]', 'roll out a bad build: worse or stall', oneOf<BadBuild>('worse', 'stall'))
    .option('--build <source>', 'the other build: npm (2018) or pypi', oneOf('npm', 'pypi'), 'npm')
    .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
    .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_300)
    .parse(argv)
    .opts<RolloutBenchOptions>();
