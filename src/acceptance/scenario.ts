import { setTimeout as sleep } from 'node:timers/promises';
import { operations } from '../contracts/api';
import { callApi } from '../contracts/api/client';
import { RelayClient } from '../contracts/relay';
import { SwarmError, shuffled } from '../domain';
import { ticksToMs } from '../domain/media-time';
import type { RunningSwarm } from '../launch/swarm';

/** When the events of a bounded run happen, as parts of its duration. */
const OPERATOR_AT = 0.15;
/** The operator lets the planner go first, but not longer than this: taking its channel would leave it nothing to do. */
const OPERATOR_AT_LATEST = 0.4;
const KILL_AT = 0.45;

const HANDOFF_LIMIT_MS = 40_000;
const HANDOFF_ATTEMPTS = 5;
const RETRY_MS = 1_500;
const PLANNER_POLL_MS = 500;

export interface ScenarioResult {
  operatorHandoff: { channelId: string; toEncoderId: string | null } | null;
  kill: { encoderId: string; pid: number; atMs: number; channels: string[] } | null;
}

/**
 * The events of a bounded run that somebody causes: an operator's handoff, and an encoder host that gets
 * SIGKILL in the middle of a GOP. The planner's own handoffs are waited for, never caused.
 */
export class Scenario {
  constructor(
    private readonly options: {
      swarm: RunningSwarm;
      durationSeconds: number;
      random: () => number;
      say: (line: string) => void;
      /** Whether the planner has moved a channel of its own accord yet. */
      plannerHasMoved: () => boolean;
    },
  ) {}

  /** Runs from now for the whole duration; ends early when the signal is aborted. */
  async perform(signal: AbortSignal): Promise<ScenarioResult> {
    const startedAtMs = Date.now();
    const until = async (part: number): Promise<void> => {
      const waitMs = startedAtMs + part * this.options.durationSeconds * 1000 - Date.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    };
    await until(OPERATOR_AT);
    const latestMs = startedAtMs + OPERATOR_AT_LATEST * this.options.durationSeconds * 1000;
    while (!this.options.plannerHasMoved() && Date.now() < latestMs)
      await sleep(PLANNER_POLL_MS, undefined, { signal });
    const operatorHandoff = await this.handOffByOperator(signal);
    await until(KILL_AT);
    const kill = await this.killAnEncoder(signal);
    await until(1);
    return { operatorHandoff, kill };
  }

  /** Moves one channel as an operator would, over the API. Refused (another move is under way): the next one. */
  private async handOffByOperator(signal: AbortSignal): Promise<ScenarioResult['operatorHandoff']> {
    const channels = shuffled(this.options.swarm.channels, this.options.random);
    for (let attempt = 0; attempt < HANDOFF_ATTEMPTS; attempt += 1) {
      const { id } = channels[attempt % channels.length]!;
      try {
        const { SWARM_API_URL } = this.options.swarm.environment;
        const deadline = { timeoutMs: HANDOFF_LIMIT_MS, signal };
        const move = await callApi(SWARM_API_URL, operations.handoff, { params: { id } }, deadline);
        if (move.outcome === 'completed') return { channelId: id, toEncoderId: move.toEncoderId };
        this.options.say(`operator's handoff of ${id}: ${move.outcome} ${move.failure?.message ?? ''}`);
      } catch (error) {
        signal.throwIfAborted();
        this.options.say(`operator's handoff of ${id} refused: ${(error as Error).message}`);
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
    return null;
  }

  /** SIGKILL for an encoder host that owns a channel, half a GOP after the beginning of one. */
  private async killAnEncoder(signal: AbortSignal): Promise<ScenarioResult['kill']> {
    const { swarm } = this.options;
    const { SWARM_API_URL, SWARM_RELAY_URL } = swarm.environment;
    const channels = await callApi(SWARM_API_URL, operations.listChannels, {}, { signal });
    const hosts = swarm.fleet.list().filter((e) => e.state === 'running' && e.pid !== null);
    const owning = hosts.filter((host) => channels.some((c) => c.owner?.encoderId === host.id));
    const [victim] = shuffled(owning, this.options.random);
    if (!victim || victim.pid === null) {
      throw new SwarmError('unknown-encoder', 'No encoder host owns a channel, so none can be killed.');
    }
    const owned = channels.filter((c) => c.owner?.encoderId === victim.id);
    const [channel] = owned;
    const gopMs = ticksToMs(channel?.gopDurationTicks ?? 0);
    // A relay that is away at this moment does not spare the encoder: the kill comes at any time of a GOP then.
    await this.beginningOfGop(SWARM_RELAY_URL, channel?.id ?? '', gopMs, signal).catch(() => undefined);
    await sleep(gopMs / 2, undefined, { signal });
    process.kill(victim.pid, 'SIGKILL');
    const ids = owned.map((c) => c.id);
    this.options.say(
      `killed ${victim.id} (process ${victim.pid}) with SIGKILL in the middle of a GOP of ${ids.join(', ')}`,
    );
    return { encoderId: victim.id, pid: victim.pid, atMs: Date.now(), channels: ids };
  }

  /** @throws SwarmError when the relay can't be asked */
  private async beginningOfGop(
    relayUrl: string,
    channelId: string,
    gopMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const relay = new RelayClient(relayUrl);
    const { openGop } = await relay.channel(channelId, { signal });
    if (openGop === null) return;
    // The ledger answers when the open GOP is complete: the next one begins then.
    const waitMs = Math.min(10_000, 3 * gopMs);
    await relay.sealed(channelId, openGop, { waitMs, timeoutMs: 15_000, signal });
  }
}
