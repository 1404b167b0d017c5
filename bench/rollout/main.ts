import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { masterPlaylistUrl } from '../../src/contracts/origin';
import {
  DEFAULT_BUILD_DIRS,
  ladderUnits,
  seededRandom,
  type ChannelSpec,
  type EncoderBuild,
} from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import type { RunningSwarm } from '../../src/launch/swarm';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { connectTemporal } from '../../src/temporal/client';
import { verifierFfmpegPaths, verifyPlaylists, type VerifyReport } from '../../src/verify';
import { startBenchSwarm } from '../lib/bench-swarm';
import { exitWith } from '../lib/command';
import { HandoffRun } from '../lib/handoff-run';
import { keepEncoders } from '../lib/keep-encoders';
import { figureTable } from '../lib/table';
import { tellParent } from '../lib/told-parent';
import { readRolloutOptions, type BadBuild, type RolloutBenchOptions } from './options';
import { RolloutRun } from './rollout-run';
import {
  badBuildRun,
  killRuns,
  upgradeAndBack,
  type RolloutSetting,
  type ScenarioOutcome,
} from './scenarios';
import { RolloutWatch } from './watch';

/** Longer than any run: the origin serves all that it retains. */
const WINDOW_SECONDS = 3_600;
/** Room for the channels of one encoder on the others, and for a session twice while it moves. */
const SPARE_FACTOR = 2.2;

const OTHER_BUILD = {
  npm: {
    id: 'npm-2018',
    source: { kind: 'package', ecosystem: 'npm', name: '@ffmpeg-installer/ffmpeg', version: '1.1.0' },
  },
  pypi: {
    id: 'pypi-7',
    source: { kind: 'package', ecosystem: 'pypi', name: 'imageio-ffmpeg', version: '0.6.0' },
  },
} as const;

/** One rung each, so that no ladder changes of its own accord disturb the measurement. */
const benchChannels = (count: number): ChannelSpec[] =>
  Array.from({ length: count }, (_, i) => {
    const spec = channelWithDefaults(`ch-${i + 1}`);
    return { ...spec, ladder: spec.ladder.slice(0, 1), viewersPerRung: [] };
  });

const start = (
  options: RolloutBenchOptions,
  stateDir: string,
  channels: ChannelSpec[],
): Promise<RunningSwarm> =>
  startBenchSwarm({
    stateDir,
    portBase: options.portBase,
    env: {
      ...process.env,
      SWARM_AUDIENCE_ANCHOR: 'off',
      SWARM_BUILD_DIRS: `${DEFAULT_BUILD_DIRS}:${stateDir}`,
    },
    encoderCount: options.encoders,
    encoderCapacityUnits: Math.max(4, Math.ceil((SPARE_FACTOR * options.channels) / options.encoders)),
    channels,
  });

const verify = async (
  swarm: RunningSwarm,
  stateDir: string,
  channels: ChannelSpec[],
): Promise<VerifyReport> => {
  console.log('verifying every channel from outside ...');
  const { environment } = swarm;
  const report = await verifyPlaylists({
    playlists: channels.map((c) => masterPlaylistUrl(environment.SWARM_ORIGIN_URL, c.id)),
    key: await loadOrCreateStampKey(stateDir),
    ffmpegPaths: await verifierFfmpegPaths(environment),
    windowSeconds: WINDOW_SECONDS,
  });
  for (const p of report.playlists) for (const problem of p.problems) console.log(`${p.url}: ${problem}`);
  return report;
};

/** What is to be done, with all that it needs in the catalogue. */
const scenarioOf = async (
  options: RolloutBenchOptions,
  setting: RolloutSetting,
  run: RolloutRun,
  badKind: BadBuild | null,
): Promise<() => Promise<ScenarioOutcome>> => {
  if (badKind) return () => badBuildRun(setting, badKind);
  const { id, source } = OTHER_BUILD[options.build];
  const other = await run.addBuild(id, source);
  const { kills, seed, abort } = options;
  return () =>
    kills > 0 ? killRuns(setting, other, { runs: kills, seed, abort }) : upgradeAndBack(setting, other);
};

const perform = async (options: RolloutBenchOptions): Promise<boolean> => {
  const random = seededRandom(options.seed);
  const badKind: BadBuild | null =
    options.badBuild === undefined
      ? null
      : options.badBuild === true
        ? random() < 0.5
          ? 'worse'
          : 'stall'
        : options.badBuild;
  console.log(
    `rollout bench: ${options.encoders} encoders, ${options.channels} channels, ${badKind ? `bad build (${badKind})` : `build from ${options.build}`}, ` +
      `${options.kills} runs with kills, seed ${options.seed}.`,
  );
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  const channels = benchChannels(options.channels);
  const swarm = await start(options, stateDir, channels);
  const temporal = await connectTemporal(swarm.environment);
  const watch = new RolloutWatch(swarm);
  try {
    const { client } = temporal;
    // As many as were asked for, all the time: scaling is another bench's.
    await keepEncoders(client, swarm.environment.SWARM_CELL, {
      least: options.encoders,
      most: options.encoders,
    });
    const onAir = new HandoffRun({ swarm, client, channels, seed: options.seed, log: console.log });
    await onAir.untilOnAir();
    const run = new RolloutRun(swarm, console.log);
    const debian: EncoderBuild = await run.addBuild('debian', {
      kind: 'path',
      path: swarm.environment.FFMPEG,
    });
    const setting: RolloutSetting = { swarm, run, watch, channels, debian, random, folder: stateDir };
    const steadyUnits = channels.reduce((sum, c) => sum + ladderUnits(c.ladder, c.framesPerSecond), 0);
    watch.resetPeak();
    const scenario = await scenarioOf(options, setting, run, badKind);
    const startedAtMs = Date.now();
    tellParent({ kind: 'load-begins' });
    const outcome = await scenario();
    tellParent({ kind: 'load-ends' });
    const durationS = Math.round((Date.now() - startedAtMs) / 1000);
    const { peak } = watch;
    console.log(
      `peak of ${peak.units} units after ${Math.round((peak.atMs - startedAtMs) / 1000)} s: ${peak.description}`,
    );
    await onAir.untilOnAir();
    const report = await verify(swarm, stateDir, channels);
    const result = {
      encoders: options.encoders,
      channels: options.channels,
      framesChecked: report.framesChecked,
      framesLost: report.framesLost,
      framesRepeated: report.framesRepeated,
      framesInvalid: report.framesInvalid,
      gapsDeclared: report.gapsDeclared,
      durationS,
      steadyUnits,
      peakExtraEncodeRatio: Number((peak.units / steadyUnits).toFixed(3)),
      ...outcome.figures,
      seed: options.seed,
    };
    console.log(figureTable(result));
    console.log(JSON.stringify(result));
    return report.ok && report.gapsDeclared === 0 && outcome.ok;
  } finally {
    await watch.stop();
    await temporal.close();
    await swarm.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
};

exitWith(perform(readRolloutOptions(process.argv)));
