import { Command, InvalidArgumentError } from 'commander';
import type { MoveOutcome } from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { createCountProgress } from '../../src/platform/terminal/progress';
import { StepReporter } from '../../src/setup';
import { exitWith } from '../lib/command';
import { currentCommit } from '../lib/commit';
import { rounded } from '../lib/statistics';
import { figureTable } from '../lib/table';
import { judgeStorm, type Judgement, type StormFacts } from './judge';
import { sabotages, type Sabotage } from './sabotage';
import { Storm } from './storm';
import { startStormSwarm } from './storm-swarm';

interface Options {
  handoffs: number;
  channels: number;
  encoders: number;
  seed: number;
  portBase: number;
  sabotage?: Sabotage;
}

const KILL_EVERY_MS: [number, number] = [5_000, 20_000];
const SHOWN_FAULTS = 20;
const LINE_EVERY_MS = 15_000;

const wholeNumber = wholeNumberOption(1);

/** How many requests ended so; of a request that was asked twice, the first answer counts. */
const countOf = ({ requests }: StormFacts, outcome: MoveOutcome): number =>
  requests.filter((request) => request.answers[0]?.outcome === outcome).length;

/** Codes of all that was not completed, by how often, each with one of its messages. */
const whyNot = ({ requests }: StormFacts): [string, string][] => {
  const byCode = new Map<string, { count: number; message: string }>();
  for (const { answers } of requests) {
    const { outcome, code, message } = answers[0] ?? { outcome: 'unanswered', code: null, message: null };
    if (outcome === 'completed') continue;
    const key = `${outcome} ${code ?? ''}`;
    const known = byCode.get(key);
    byCode.set(key, { count: (known?.count ?? 0) + 1, message: known?.message ?? message ?? '' });
  }
  return [...byCode].map(([key, { count, message }]) => [key, `${count}, such as: ${message}`]);
};

const show = (judgement: Judgement): void => {
  for (const [kind, faults] of Object.entries(judgement) as [string, string[]][]) {
    for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(`${kind}: ${fault}`);
    if (faults.length > SHOWN_FAULTS) console.log(`${kind}: and ${faults.length - SHOWN_FAULTS} more`);
  }
};

/** A bar at a terminal; in a pipe a line now and then. */
const progressOf = (total: number): { onProgress(done: number, kills: number): void; stop(): void } => {
  const bar = createCountProgress({
    hidden: false,
    format: 'Storm  [{bar}] {value} of {total} handoffs, {eta_formatted} left',
  });
  let nextLineMs = Date.now() + LINE_EVERY_MS;
  return {
    onProgress: (done, kills) => {
      bar.onProgress(done, total);
      if (process.stderr.isTTY || Date.now() < nextLineMs) return;
      nextLineMs = Date.now() + LINE_EVERY_MS;
      console.log(`  ${done} of ${total} handoffs, worker killed ${kills} times`);
    },
    stop: () => bar.stop(),
  };
};

const main = async (options: Options): Promise<boolean> => {
  console.log(
    `storm: ${options.handoffs} handoffs of ${options.channels} channels among ${options.encoders} simulated encoders, seed ${options.seed}. ` +
      `Repeat: npm run bench:storm -- --handoffs ${options.handoffs} --channels ${options.channels} --encoders ${options.encoders} --seed ${options.seed}`,
  );
  const { seed, portBase, encoders } = options;
  const swarm = await startStormSwarm({
    ...{ seed, portBase, encoders },
    reporter: new StepReporter(process.stdout),
    onEvent: (text) => {
      // The worker's ends are what the storm is about.
      if (!text.startsWith('worker')) console.log(`  ${text}`);
    },
  });
  const progress = progressOf(options.handoffs);
  try {
    const storm = await Storm.begin({
      ...{ swarm, seed, channels: options.channels },
      killEvery: { ms: KILL_EVERY_MS },
      onProgress: (done, kills) => progress.onProgress(done, kills),
    });
    try {
      if (options.sabotage) await sabotages[options.sabotage](swarm, storm);
      const beganAtMs = Date.now();
      await storm.rage(options.handoffs);
      const seconds = (Date.now() - beganAtMs) / 1_000;
      progress.stop();
      console.log('waiting until all has settled, asking every part ...');
      const facts = await storm.facts();
      const judgement = judgeStorm(facts);
      show(judgement);
      const result = {
        handoffs: facts.requests.length,
        completed: countOf(facts, 'completed'),
        compensated: countOf(facts, 'compensated'),
        refused: countOf(facts, 'refused'),
        recovered: countOf(facts, 'recovered'),
        workerKills: storm.kills,
        gopsPublished: facts.accepted.length,
        doubleOwners: judgement.doubleOwners.length,
        lostSagas: judgement.lostSagas.length,
        leftovers: judgement.leftovers.length,
        handoffsPerSecond: rounded(facts.requests.length / seconds),
        p50Ms: percentile(storm.answeredMs, 50),
        p99Ms: percentile(storm.answeredMs, 99),
        seed,
        commit: await currentCommit(),
      };
      console.log(figureTable(result));
      for (const [kind, text] of whyNot(facts)) console.log(`${kind}: ${text}`);
      console.log(JSON.stringify(result));
      const faults = Object.values(judgement).flat().length;
      return faults === 0 && result.handoffs >= options.handoffs && result.completed > 0;
    } finally {
      await storm.close();
    }
  } finally {
    progress.stop();
    await swarm.stop();
  }
};

const sabotageOf = (text: string): Sabotage => {
  if (Object.hasOwn(sabotages, text)) return text as Sabotage;
  throw new InvalidArgumentError(`one of ${Object.keys(sabotages).join(', ')}`);
};

const program = new Command('bench:storm')
  .description(
    'Handoffs through real Temporal, origin and worker, with simulated encoders of which some fail, while the worker ' +
      'is killed every 5 to 20 s. Exits 1 if a GOP had two owners, or a handoff was lost.',
  )
  .option('--handoffs <n>', 'handoffs to request', wholeNumber, 10_000)
  .option('--channels <n>', 'channels, each with one request at a time', wholeNumber, 48)
  .option('--encoders <n>', 'simulated encoders, 2 to 20', wholeNumber, 6)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_200)
  .option(
    '--sabotage <kind>',
    `break it, to see that it is noticed: ${Object.keys(sabotages).join(', ')}`,
    sabotageOf,
  )
  .parse();

exitWith(main(program.opts<Options>()));
