import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutState } from '../../src/domain';
import type { RunningSwarm } from '../../src/start/swarm';
import type { RolloutRun } from './rollout-run';
import { pick } from './statistics';

const VICTIMS = ['worker', 'temporal', 'encoder'] as const;
/** About as long as a rollout with the bench's short policy takes. */
const WITHIN_MS = 60_000;
const MOST_KILLS = 3;

/** The encoder whose turn it is, or was last. */
const encoderInHand = ({ encoders }: RolloutState): string | undefined => {
  const touched = encoders.filter(({ status }) => status !== 'waiting');
  return (touched.find(({ status }) => status === 'upgrading' || status === 'restoring') ?? touched.at(-1))
    ?.encoderId;
};

/** Kills one to three parts with SIGKILL at random moments of one rollout; returns what it killed, in words. */
export const killDuring = async (o: {
  swarm: RunningSwarm;
  run: RolloutRun;
  random: () => number;
  signal: AbortSignal;
}): Promise<string[]> => {
  const { swarm, run, random, signal } = o;
  const plan = Array.from({ length: 1 + Math.floor(random() * MOST_KILLS) }, () => ({
    victim: pick(random, VICTIMS),
    afterMs: Math.floor(random() * WITHIN_MS),
  })).sort((a, b) => a.afterMs - b.afterMs);
  const startedAtMs = Date.now();
  const killed: string[] = [];
  for (const { victim, afterMs } of plan) {
    await sleep(Math.max(0, startedAtMs + afterMs - Date.now()), undefined, { signal }).catch(
      () => undefined,
    );
    if (signal.aborted) break;
    const state = victim === 'encoder' ? await run.state() : null;
    const encoderId = state ? encoderInHand(state) : undefined;
    const host = swarm.fleet.list().find(({ id }) => id === encoderId);
    const pid = victim === 'encoder' ? host?.pid : swarm.pids()[victim];
    if (!pid) continue;
    process.kill(pid, 'SIGKILL');
    killed.push(`${encoderId ?? victim} after ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  }
  return killed;
};
