import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { channelWithDefaults, type ChannelSpec } from '../../src/domain';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { connectTemporal } from '../../src/temporal/client';
import { startBenchSwarm } from '../lib/bench-swarm';
import { CHROMIUM } from '../lib/browser';
import { exitWith } from '../lib/command';
import { HandoffRun } from '../lib/handoff-run';
import { keepEncoders } from '../lib/keep-encoders';
import { FailoverRun } from './failover-run';
import { KINDS, parseKinds, type Kind } from './kinds';
import { isUnbroken, tableOf, totalOf, type KindResult } from './result';
import { Viewer } from './viewer';

const CHANNELS = 6;
const ENCODERS = 3;
const ENCODER_CAPACITY_UNITS = 6;
const MOVE_PAUSE_MS = 3_000;

interface Options {
  deaths: number;
  kinds: Kind[];
  seed: number;
  portBase: number;
  chromium: string;
}

/** Small pictures, one rung each: no ladder changes of its own accord. */
const benchChannels = (): ChannelSpec[] =>
  Array.from({ length: CHANNELS }, (_, i) => {
    const spec = channelWithDefaults(`ch-${i + 1}`);
    return { ...spec, ladder: spec.ladder.slice(0, 1), viewersPerRung: [] };
  });

const main = async (options: Options): Promise<boolean> => {
  const { deaths, kinds, seed } = options;
  const kindsText = kinds.length === KINDS.length ? 'all' : kinds.join(',');
  console.log(
    `failover bench: ${deaths} of each of ${kinds.length} kinds of death, seed ${seed}. ` +
      `Repeat: npm run bench:failover -- --deaths ${deaths} --kinds ${kindsText} --seed ${seed}`,
  );
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  const channels = benchChannels();
  const swarm = await startBenchSwarm({
    ...{ stateDir, portBase: options.portBase, channels, replicas: 3 },
    ...{ encoderCount: ENCODERS, encoderCapacityUnits: ENCODER_CAPACITY_UNITS },
  });
  const { environment } = swarm;
  const temporal = await connectTemporal(environment);
  const ending: (() => Promise<unknown>)[] = [];
  try {
    const { client } = temporal;
    await keepEncoders(client, environment.SWARM_CELL, { least: ENCODERS, most: ENCODERS });
    const moving = new HandoffRun({ swarm, client, channels, seed, log: console.log });
    await moving.untilOnAir();
    const urls = environment.SWARM_ORIGIN_PEERS.map(({ url }) => url);
    const viewer = await Viewer.start(options.chromium, urls, channels[0]!.id);
    if (viewer) ending.push(() => viewer.stop());
    else console.log(`no browser at ${options.chromium} that plays: playerStalls is null`);
    const run = new FailoverRun({ swarm, channels, viewer, seed, log: console.log });
    ending.push(() => run.stop());
    await run.untilWell();
    const over = new AbortController();
    const moves = moving.keepMoving(over.signal, MOVE_PAUSE_MS);
    ending.push(() => {
      over.abort();
      return moves;
    });
    const results: KindResult[] = [];
    for (const kind of kinds) {
      const result = await run.perform(kind, deaths);
      results.push(result);
      console.log(JSON.stringify(result));
    }
    over.abort();
    const { moves: handoffs, attemptsFailed } = await moves;
    const total = totalOf(results, run.pausesMs);
    const [load] = loadavg();
    console.log(tableOf(results));
    console.log(
      JSON.stringify({ ...total, handoffs, handoffsRefusedOrCompensated: attemptsFailed, seed, load }),
    );
    return isUnbroken(total);
  } finally {
    for (const end of ending.reverse()) await end().catch((error: unknown) => console.error(error));
    await temporal.close();
    await swarm.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};

const kindsOption = (text: string): Kind[] => {
  try {
    return parseKinds(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
};

const program = new Command('bench:failover')
  .description(
    'Ends or stops origins, members of etcd and relays of a swarm of three origins, and checks every frame from outside.',
  )
  .option('--deaths <n>', 'times that each kind of death comes', wholeNumberOption(1), 20)
  .option('--kinds <list>', `all, or some of ${KINDS.join(', ')}`, kindsOption, [...KINDS])
  .option('--seed <n>', 'seed of every random choice', wholeNumberOption(0), 1)
  .option('--port-base <n>', 'first of the 50 ports used', wholeNumberOption(0), 18_000)
  .option('--chromium <path>', 'browser', CHROMIUM)
  .parse();

exitWith(main(program.opts<Options>()));
