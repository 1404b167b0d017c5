import { setTimeout as sleep } from 'node:timers/promises';
import {
  rollbackInWords,
  type ChannelSpec,
  type EncoderBuild,
  type RolloutPolicy,
  type RolloutState,
} from '../../src/domain';
import { ticksToMs } from '../../src/domain/media-time';
import type { RunningSwarm } from '../../src/launch/swarm';
import { hasParent } from '../lib/told-parent';
import { writeBadBuild } from './bad-build';
import { killDuring, type Victim } from './kills';
import type { BadBuild } from './options';
import type { RolloutRun } from './rollout-run';
import type { RolloutWatch } from './watch';

export interface RolloutSetting {
  swarm: RunningSwarm;
  run: RolloutRun;
  watch: RolloutWatch;
  channels: ChannelSpec[];
  /** What all encoders run at first. */
  debian: EncoderBuild;
  random: () => number;
  /** For what a scenario has to write. */
  folder: string;
}

export interface ScenarioOutcome {
  ok: boolean;
  figures: Record<string, unknown>;
}

const ROLLOUT_LIMIT_MS = 900_000;
/** As short as still gives a verdict: the kills are what these runs are about. */
const SHORT: Partial<RolloutPolicy> = {
  soakSeconds: 2,
  compareSeconds: 0.5,
  qualityEvery: 2,
  falseGoodRate: 0.2,
  askAfterSeconds: 90,
};
const KILL_RUN_LIMIT_MS = 420_000;
const SETTLED_WITHIN_MS = 30_000;

const secondsOf = ({ startedAtMs, finishedAtMs }: RolloutState): number =>
  Math.round(((finishedAtMs ?? Date.now()) - startedAtMs) / 1000);

/** Whether every host runs this build now. */
const allRun = async ({ watch }: RolloutSetting, digest: string): Promise<boolean> => {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const builds = await watch.builds();
    if ([...builds.values()].every((d) => d === digest)) return true;
    if (Date.now() > deadline) return false;
    await sleep(500);
  }
};

/** All encoders to the other build at the default policy, and back again. */
export const upgradeAndBack = async (
  setting: RolloutSetting,
  other: EncoderBuild,
): Promise<ScenarioOutcome> => {
  const { run, debian } = setting;
  const figures: Record<string, unknown> = { from: debian.ffmpegVersion, to: other.ffmpegVersion };
  let ok = true;
  for (const [way, build] of [
    ['upgrade', other],
    ['back', debian],
  ] as const) {
    await run.start(build.id, {});
    const state = await run.end(ROLLOUT_LIMIT_MS);
    const isDone = state.phase === 'completed' && (await allRun(setting, build.digest));
    ok &&= isDone;
    figures[`${way}S`] = secondsOf(state);
    figures[`${way}Outcome`] = state.phase;
    for (const [metric, m] of Object.entries(state.verdict?.metrics ?? {})) {
      console.log(`  ${way} ${metric}: ${JSON.stringify(m)}`);
    }
  }
  return { ok, figures: { ...figures, rolledBack: false } };
};

/** When the bad build first did wrong: with its first GOP, or with the first one that it did not bring in time. */
const firstBadAtMs = async (
  { run, channels, watch }: RolloutSetting,
  kind: BadBuild,
  { canaryChannels, encoders }: RolloutState,
): Promise<number | null> => {
  const canary = encoders[0]?.encoderId;
  const since = watch.firstSeenAtMs ?? Infinity;
  const entries = (await Promise.all(canaryChannels.map((id) => run.ledger(id)))).flat();
  const gopMs = ticksToMs(channels[0]?.gopDurationTicks ?? 0);
  const bad = entries.filter((e) =>
    kind === 'worse'
      ? e.encoderId === canary && e.publishedAtMs >= since
      : e.publishedAtMs >= since && (e.delayMs ?? 0) > 0.75 * gopMs,
  );
  const times = bad.map((e) => (kind === 'worse' ? e.publishedAtMs : (e.sealedAtMs ?? e.publishedAtMs)));
  return times.length === 0 ? null : Math.min(...times);
};

/** A bad build at the default policy: it must go back by itself. */
export const badBuildRun = async (setting: RolloutSetting, kind: BadBuild): Promise<ScenarioOutcome> => {
  const { run, watch, debian, random, folder, swarm, channels } = setting;
  const ffmpegPath = debian.executablePath ?? swarm.environment.FFMPEG;
  const path = await writeBadBuild({ kind, ffmpegPath, folder, random });
  const bad = await run.addBuild(`bad-${kind}`, { kind: 'path', path });
  watch.watch(bad.digest);
  await run.start(bad.id, {});
  const state = await run.end(ROLLOUT_LIMIT_MS);
  const isBack = state.phase === 'rolled-back' && (await allRun(setting, debian.digest));
  const firstBad = await firstBadAtMs(setting, kind, state);
  const foundAfterS =
    firstBad === null || state.rollbackAtMs === null ? null : (state.rollbackAtMs - firstBad) / 1000;
  const mostChannels = Math.round(watch.peakShare * channels.length);
  for (const [metric, m] of Object.entries(state.verdict?.metrics ?? {})) {
    console.log(`  ${metric}: ${JSON.stringify(m)}`);
  }
  return {
    ok: isBack && foundAfterS !== null && foundAfterS <= 60 && mostChannels <= state.canaryChannels.length,
    figures: {
      badBuild: kind,
      rolledBack: state.phase === 'rolled-back',
      why: state.phase === 'rolled-back' ? rollbackInWords(state) : (state.failure?.message ?? null),
      foundAfterS,
      rollbackS:
        state.finishedAtMs && state.rollbackAtMs ? (state.finishedAtMs - state.rollbackAtMs) / 1000 : null,
      largestShareOnBadBuild: Number(watch.peakShare.toFixed(3)),
      canaryShareAllowed: Number((state.canaryChannels.length / channels.length).toFixed(3)),
    },
  };
};

/**
 * Rollouts there and back while parts are killed: each must end completed or rolled back, with one build everywhere.
 * Run n has seed + n - 1, so that one that fails can be repeated by itself.
 */
export const killRuns = async (
  setting: RolloutSetting,
  other: EncoderBuild,
  { runs, seed, abort }: { runs: number; seed: number; abort: boolean },
): Promise<ScenarioOutcome> => {
  const { run, swarm, debian, channels } = setting;
  const count = { completed: 0, 'rolled-back': 0, mixed: 0, stuck: 0 };
  const kills: Record<Victim, number> = { worker: 0, temporal: 0, encoder: 0 };
  const seconds: number[] = [];
  let current = debian;
  for (let n = 0; n < runs; n += 1) {
    const target = current.id === debian.id ? other : debian;
    const over = new AbortController();
    console.log(`run ${n + 1} of ${runs}, seed ${seed + n}: ${current.id} to ${target.id}`);
    const startedAtMs = Date.now();
    await run.start(target.id, SHORT);
    const killing = killDuring({ swarm, run, seed: seed + n, abort, signal: over.signal });
    // Where Temporal itself is killed all the time, there may be no verdict.
    const how = { goesBackFromHold: hasParent() };
    const state = await run.end(KILL_RUN_LIMIT_MS, how).catch((error: Error) => {
      console.log(`  ${error.message}`);
      return null;
    });
    over.abort();
    const killed = await killing;
    for (const { victim } of killed) kills[victim] += 1;
    seconds.push(Math.round((Date.now() - startedAtMs) / 1000));
    console.log(`  killed: ${killed.map(({ description }) => description).join('; ') || 'nothing'}`);
    console.log(`  ${state?.phase ?? 'stuck'} after ${seconds.at(-1)} s: ${state?.detail ?? ''}`);
    const isOver = state?.phase === 'completed' || state?.phase === 'rolled-back';
    if (isOver) {
      count[state.phase as 'completed' | 'rolled-back'] += 1;
      if (state.phase === 'completed') current = target;
    } else count.stuck += 1;
    const isWhole = isOver && (await allRun(setting, current.digest));
    if (isOver && !isWhole) count.mixed += 1;
    if (isWhole) continue;
    const hosts = swarm.fleet.list().length;
    console.log(
      `  FAILED; repeat: npm run bench:rollout -- --kills 1${abort ? ' --abort' : ''} --seed ${seed + n} --encoders ${hosts} --channels ${channels.length}`,
    );
    break;
  }
  const { completed, 'rolled-back': rolledBack, mixed, stuck } = count;
  return {
    ok: stuck === 0 && mixed === 0,
    figures: {
      runs: seconds.length,
      kills,
      completed,
      rolledBack,
      mixed,
      stuck,
      secondsOfRuns: seconds.join(' '),
    },
  };
};
