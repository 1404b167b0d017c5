import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, type RolloutState } from '../../src/domain';
import type { RunningSwarm } from '../../src/launch/swarm';
import { pick } from '../lib/statistics';
import type { RolloutRun } from './rollout-run';

const VICTIMS = ['worker', 'temporal', 'encoder'] as const;
export type Victim = (typeof VICTIMS)[number];
/** About as long as one encoder's part of a rollout takes with the bench's short policy. */
const WITHIN_MS_PER_ENCODER = 12_000;
const MOST_KILLS = 3;
/** A part that is just being started again after the kill before is waited for. */
const RUNNING_WITHIN_MS = 10_000;

export interface Kill {
  victim: Victim;
  /** In words: who, when, and what the rollout was at. */
  description: string;
}

/** The encoder whose turn it is, or was last. */
const encoderInHand = ({ encoders }: RolloutState): string | undefined => {
  const touched = encoders.filter(({ status }) => status !== 'waiting');
  return (touched.find(({ status }) => status === 'upgrading' || status === 'restoring') ?? touched.at(-1))
    ?.encoderId;
};

const pidOf = (
  swarm: RunningSwarm,
  victim: Victim,
  state: RolloutState | null,
): number | null | undefined => {
  if (victim !== 'encoder') return swarm.pids()[victim];
  const encoderId = state ? encoderInHand(state) : undefined;
  return swarm.fleet.list().find(({ id }) => id === encoderId)?.pid;
};

/**
 * Kills one to three parts with SIGKILL at random moments of one rollout. Which is first goes in turn with the seed, so
 * that runs in a row kill every kind.
 */
export const killDuring = async (options: {
  swarm: RunningSwarm;
  run: RolloutRun;
  seed: number;
  /** Abort the rollout as well, in the first half of the time. */
  abort: boolean;
  signal: AbortSignal;
}): Promise<Kill[]> => {
  const { swarm, run, seed, signal } = options;
  const random = seededRandom(seed);
  const withinMs = WITHIN_MS_PER_ENCODER * swarm.fleet.list().length;
  const aborting = options.abort
    ? pause((seededRandom(seed + 1_000)() * withinMs) / 2, signal).then(() => run.abort(signal))
    : null;
  const plan = Array.from({ length: 1 + Math.floor(random() * MOST_KILLS) }, (_, i) => ({
    victim: i === 0 ? (VICTIMS[seed % VICTIMS.length] as Victim) : pick(random, VICTIMS),
    afterMs: Math.floor(random() * withinMs),
  })).sort((a, b) => a.afterMs - b.afterMs);
  const startedAtMs = Date.now();
  const killed: Kill[] = [];
  for (const { victim, afterMs } of plan) {
    await pause(startedAtMs + afterMs - Date.now(), signal);
    let state = await run.state();
    let pid = pidOf(swarm, victim, state);
    const deadline = Date.now() + RUNNING_WITHIN_MS;
    while (!pid && Date.now() < deadline && !signal.aborted) {
      await pause(100, signal);
      // Just after another kill nobody may answer what the rollout is at.
      state = (await run.state()) ?? state;
      pid = pidOf(swarm, victim, state);
    }
    if (signal.aborted) break;
    if (!pid) continue;
    process.kill(pid, 'SIGKILL');
    const who = victim === 'encoder' && state ? encoderInHand(state) : victim;
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    killed.push({ victim, description: `${who} after ${seconds} s (${state?.detail ?? 'nobody answered'})` });
  }
  await aborting;
  return killed;
};

const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
