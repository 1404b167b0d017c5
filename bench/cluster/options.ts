import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';

const MOST_SEED = 2 ** 32 - 1;

export const suiteNames = ['handoff', 'rollout', 'chaos'] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface ClusterTestOptions {
  minutes: number;
  seed: number;
  only: SuiteName[];
  portBase: number;
  keep: boolean;
}

export interface ClusterOptions {
  portBase: number;
  stateDir?: string;
  namespace: string;
}

const numberFrom =
  (least: number, most: number, whole: boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value)))
      return value;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  };

const suiteName = (text: string, before: SuiteName[] = []): SuiteName[] => {
  if ((suiteNames as readonly string[]).includes(text)) return [...before, text as SuiteName];
  throw new InvalidArgumentError(`It must be one of ${suiteNames.join(', ')}.`);
};

const port = numberFrom(1_024, 65_000, true);

/** @throws CommanderError for options that do not exist, or with values that can't be */
export const readTestOptions = (
  argv: readonly string[],
  configure = (command: Command) => command,
): ClusterTestOptions => {
  const { only, ...rest } = configure(new Command('npm run cluster:test --'))
    .description(
      'Runs handoffs, rollouts and chaos of real swarms on a Temporal cluster (frontend, two history hosts, matching,\n' +
        'internal worker, PostgreSQL) while its processes and the worker of the swarm are killed with SIGKILL, each once a\n' +
        'minute, and checks every frame from outside.',
    )
    .option(
      '--minutes <M>',
      'how long, at least, there is load while processes are killed',
      numberFrom(0.5, 1_440, false),
      5,
    )
    .option(
      '--seed <S>',
      'decides every kill, and is the seed of the suites',
      numberFrom(0, MOST_SEED, true),
      randomInt(1e6),
    )
    .option('--only <SUITE>', `of ${suiteNames.join(', ')}; repeatable`, suiteName)
    .option('--port-base <N>', 'first of the 120 ports used', port, 21_000)
    .option('--keep', 'keep the folder of the cluster, with its logs', false)
    .addHelpText(
      'after',
      '\nThe last line is one JSON object; exit code 0 if every saga ended, no frame was lost or repeated and no channel had\n' +
        'two owners. Ctrl-C ends all that was started.',
    )
    .parse(argv)
    .opts<Omit<ClusterTestOptions, 'only'> & { only?: SuiteName[] }>();
  return { ...rest, only: only ?? [...suiteNames] };
};

/** @throws CommanderError for options that do not exist, or with values that can't be */
export const readClusterOptions = (
  argv: readonly string[],
  configure = (command: Command) => command,
): ClusterOptions =>
  configure(new Command('npm run cluster --'))
    .description(
      'Runs a Temporal cluster of this machine (frontend, two history hosts, matching, internal worker, PostgreSQL) until Ctrl-C.',
    )
    .option('--port-base <N>', 'first of the 11 ports used', port, 17_230)
    .option(
      '--state-dir <DIR>',
      'folder that is kept, and used again (default: one that is removed in the end)',
    )
    .option('--namespace <NAME>', 'namespace that is made', 'default')
    .parse(argv)
    .opts<ClusterOptions>();
