import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onInterrupt } from '../../src/platform/processes/interrupts';
import { StepReporter } from '../../src/setup';

import { figureTable } from '../lib/table';
import type { Cluster } from './cluster';
import { endAfter } from './end';
import { Killer, noKills } from './killer';
import { openCluster } from './open';
import { readTestOptions, type ClusterTestOptions, type SuiteName } from './options';
import { failuresOf, resultOf, type SuiteRun } from './result';
import { Suite, argumentsOf } from './suites';

const MINUTE_MS = 60_000;
/** Above the ports of the cluster. */
const SUITE_PORTS_FROM = 20;
const WHOLE_WITHIN_MS = 90_000;

/** The variables of this process that would lead a suite to another Temporal. */
const withoutTemporal = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));

interface Running {
  cluster: Cluster;
  killer: Killer;
  options: ClusterTestOptions;
  folder: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

/** Runs one suite, in a namespace of its own, while processes are killed. */
const runSuite = async (running: Running, name: SuiteName, number: number): Promise<SuiteRun> => {
  const { cluster, killer, options, folder, say, signal } = running;
  const { seed, portBase } = options;
  const namespace = `${name}-${number}`;
  await cluster.untilWhole(WHOLE_WITHIN_MS);
  await cluster.makeNamespace(namespace);
  let kills = noKills();
  let killing: { end: AbortController; done: Promise<void> } | null = null;
  const begin = (suite: Suite): void => {
    const end = new AbortController();
    const done = killer.run(suite, AbortSignal.any([end.signal, signal])).then((killed) => {
      kills = killed;
    });
    killing = { end, done };
  };
  const args = argumentsOf(name, {
    ...{ seed: seed + number - 1, portBase: portBase + SUITE_PORTS_FROM },
    reportDir: join(folder, `report-${number}`),
  });
  say(`suite ${number}: ${name} ${args.join(' ')}`);
  const suite: Suite = new Suite({
    ...{ name, args, say },
    env: {
      ...withoutTemporal(process.env),
      TEMPORAL_ADDRESS: cluster.address,
      TEMPORAL_NAMESPACE: namespace,
    },
    onLoad: (begins) => (begins ? begin(suite) : killing?.end.abort()),
  });
  signal.addEventListener('abort', () => suite.interrupt(), { once: true });
  await suite.ended;
  const { end, done } = (killing as { end: AbortController; done: Promise<void> } | null) ?? {};
  end?.abort();
  await done;
  return { ...suite.outcome(), kills };
};

const perform = async (running: Running): Promise<boolean> => {
  const { options, signal } = running;
  const runs: SuiteRun[] = [];
  const loadMs = (): number => runs.reduce((sum, run) => sum + run.loadMs, 0);
  // Each suite at least once, and on until there was enough of load.
  while (runs.length < options.only.length || loadMs() < options.minutes * MINUTE_MS) {
    const name = options.only[runs.length % options.only.length]!;
    runs.push(await runSuite(running, name, runs.length + 1));
    if (signal.aborted) return false;
    // A suite that can't even begin would be begun for ever.
    if (runs.at(-1)!.loadMs === 0) break;
  }
  const result = resultOf(runs, options.seed);
  const failures = failuresOf(runs);
  console.log(figureTable(result));
  for (const failure of failures) console.log(`  ✗ ${failure}`);
  console.log(JSON.stringify(result));
  return failures.length === 0;
};

const main = async (): Promise<boolean> => {
  const options = readTestOptions(process.argv);
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const { signal } = interrupted;
  const reporter = new StepReporter(process.stdout);
  const say = (line: string): void => reporter.line(line);
  const { minutes, seed, only, portBase } = options;
  say(
    `cluster test: ${minutes} min, seed ${seed}. Repeat: npm run cluster:test -- --minutes ${minutes} --seed ${seed}` +
      only.map((name) => ` --only ${name}`).join(''),
  );
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-cluster-'));
  await chmod(folder, 0o711);
  try {
    const cluster = await openCluster({ folder, portBase, reporter, signal });
    process.once('exit', () => cluster.killNow());
    try {
      const killer = new Killer(cluster, seed, say);
      return await perform({ cluster, killer, options, folder, say, signal });
    } finally {
      await cluster.stop();
    }
  } finally {
    if (options.keep) console.error(`the cluster's folder is kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
};

endAfter(main());
