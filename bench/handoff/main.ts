import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { masterPlaylistUrl } from '../../src/contracts/origin';
import type { ChannelSpec, MoveResult } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { percentile } from '../../src/domain/statistics';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { connectTemporal } from '../../src/temporal/client';
import { verifierFfmpegPaths, verifyPlaylists } from '../../src/verify';
import { startBenchSwarm } from '../lib/bench-swarm';
import { exitWith } from '../lib/command';
import { HandoffRun } from '../lib/handoff-run';
import { rounded } from '../lib/statistics';
import { drawTable, figureTable } from '../lib/table';
import { tellParent } from '../lib/told-parent';
import { timeBareSagas } from './bare-saga';

const wholeNumber = wholeNumberOption(0);

interface Options {
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
}

/** Steps of a handoff, and how many of them come before the commit: a bare workflow of each length is timed. */
const HANDOFF_STEPS = 6;
const STEPS_TO_COMMIT = 3;
const BARE_RUNS = 40;
/** Longer than any run: the origin serves all that it retains. */
const WINDOW_SECONDS = 3_600;

const CHANNELS = 6;

/** One rung of 320x180 each: no ladder changes of its own accord, and all moves cost the same. */
const benchChannels = (): ChannelSpec[] =>
  Array.from({ length: CHANNELS }, (_, i) => {
    const spec = channelWithDefaults(`ch-${i + 1}`);
    return { ...spec, ladder: spec.ladder.slice(0, 1), viewersPerRung: [] };
  });

const stepMedians = (moves: MoveResult[]): [string, number | null][] => {
  const steps = moves.flatMap((m) => m.steps);
  return [...new Set(steps.map((s) => s.name))].map((name) => {
    const times = steps.filter((s) => s.name === name).map((s) => s.finishedAtMs - s.startedAtMs);
    return [name, percentile(times, 50)];
  });
};

const main = async (options: Options): Promise<boolean> => {
  console.log(
    `handoff bench: ${options.handoffs} handoffs, ${options.kills} kills, seed ${options.seed}. ` +
      `Repeat: npm run bench:handoff -- --handoffs ${options.handoffs} --kills ${options.kills} --seed ${options.seed}`,
  );
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  const channels = benchChannels();
  const swarm = await startBenchSwarm({
    stateDir,
    portBase: options.portBase,
    encoderCount: 3,
    encoderCapacityUnits: 6,
    channels,
  });
  const { environment } = swarm;
  const temporal = await connectTemporal(environment);
  const bareTimes = (activities: number): Promise<number[]> =>
    timeBareSagas(temporal.client, {
      address: environment.TEMPORAL_ADDRESS,
      namespace: environment.TEMPORAL_NAMESPACE,
      activities,
      count: BARE_RUNS,
    });
  try {
    const run = new HandoffRun({
      swarm,
      client: temporal.client,
      channels,
      seed: options.seed,
      log: console.log,
    });
    await run.untilOnAir();
    const bareMs = await bareTimes(HANDOFF_STEPS);
    const bareToCommitMs = await bareTimes(STEPS_TO_COMMIT);
    tellParent({ kind: 'load-begins' });
    const { moves, attemptsFailed, kills } = await run.perform(options.handoffs, options.kills);
    tellParent({ kind: 'load-ends' });
    await run.untilOnAir();
    const audit = await run.audit(moves);

    console.log('verifying every channel from outside ...');
    const report = await verifyPlaylists({
      playlists: channels.map((c) => masterPlaylistUrl(environment.SWARM_ORIGIN_URL, c.id)),
      key: await loadOrCreateStampKey(stateDir),
      ffmpegPaths: await verifierFfmpegPaths(environment),
      windowSeconds: WINDOW_SECONDS,
    });
    for (const p of report.playlists) for (const problem of p.problems) console.log(`${p.url}: ${problem}`);
    for (const fault of audit.fenceFaults) console.log(`fence: ${fault}`);

    const requestToCommitMs = moves.flatMap((m) =>
      m.committedAtMs === null ? [] : [m.committedAtMs - m.requestedAtMs],
    );
    const overlapGops = moves.flatMap((m) => (m.overlapGops === null ? [] : [m.overlapGops]));
    const result = {
      handoffs: moves.length,
      kills,
      handoffsRefusedOrCompensated: attemptsFailed,
      recoveries: audit.recoveries,
      framesChecked: report.framesChecked,
      framesLost: report.framesLost,
      framesRepeated: report.framesRepeated,
      framesInvalid: report.framesInvalid,
      gapsDeclared: report.gapsDeclared,
      fenceFaults: audit.fenceFaults.length,
      staleTokensRefused: audit.staleTokensRefused,
      overlapGopsP50: rounded(percentile(overlapGops, 50), 2),
      overlapGopsP99: rounded(percentile(overlapGops, 99), 2),
      requestToCommitMsP50: rounded(percentile(requestToCommitMs, 50), 0),
      requestToCommitMsP99: rounded(percentile(requestToCommitMs, 99), 0),
      bareWorkflowMsP50: rounded(percentile(bareMs, 50), 0),
      bareWorkflowToCommitMsP50: rounded(percentile(bareToCommitMs, 50), 0),
      publishDelayAtSeamMsP50: rounded(percentile(audit.delayAtSeamMs, 50), 0),
      publishDelaySteadyMsP50: rounded(percentile(audit.delaySteadyMs, 50), 0),
      publishDelaySteadyMsP99: rounded(percentile(audit.delaySteadyMs, 99), 0),
      worstPublishDelayMs: rounded(percentile(audit.delayAllMs, 100), 0),
      seed: options.seed,
    };
    console.log(figureTable(result));
    console.log(drawTable(['step of a handoff', 'ms, median'], stepMedians(moves)));
    console.log(JSON.stringify(result));
    return (
      report.ok &&
      report.gapsDeclared === 0 &&
      audit.fenceFaults.length === 0 &&
      moves.length === options.handoffs
    );
  } finally {
    await temporal.close();
    await swarm.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};

const program = new Command('bench:handoff')
  .description(
    'Moves channels between real encoders, kills encoders meanwhile, and checks every frame from outside.',
  )
  .option('--handoffs <n>', 'handoffs to complete', wholeNumber, 100)
  .option('--kills <n>', 'encoder hosts or their ffmpeg ended with SIGKILL', wholeNumber, 30)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_000)
  .parse();

exitWith(main(program.opts<Options>()));
