import { setTimeout as sleep } from 'node:timers/promises';
import { operations, type Answer, type RequestOf, type Operation } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { seededRandom } from '../../src/domain/seeded-random';
import { pick } from '../lib/statistics';

const HANDOFF_EVERY_MS = { least: 5_000, most: 15_000 };
const EXTRA_CHANNEL_AFTER_MS = { least: 20_000, most: 60_000 };
const EXTRA_CHANNEL_STAYS_MS = { least: 40_000, most: 90_000 };
const ASK_WITHIN_MS = 60_000;
const RETRY_MS = 2_000;
/** An extra channel is removed however long the control plane needs for it. */
const REMOVE_WITHIN_MS = 180_000;

export interface WorkloadEvents {
  say(text: string): void;
  /** A channel was added, and is to be checked from its first GOP on. */
  onAdded(channelId: string): void;
  /** A channel is about to be removed, with all its media. */
  beforeRemoval(channelId: string): Promise<void>;
  onRemoved(channelId: string): void;
}

/** The usual work of a swarm, also while things break: handoffs by an operator, channels that are added and removed. */
export class Workload {
  /** Handoffs asked for, and how they were answered. */
  readonly handoffs = { completed: 0, refused: 0 };
  private extraChannels = 0;
  private readonly handoffRandom: () => number;
  private readonly extraChannelRandom: () => number;

  constructor(
    private readonly options: {
      apiUrl: string;
      channelIds: readonly string[];
      seed: number;
      events: WorkloadEvents;
      /** Aborted when the whole run is broken off: nothing is brought to its end then. */
      interrupted: AbortSignal;
    },
  ) {
    this.handoffRandom = seededRandom(options.seed + 7);
    this.extraChannelRandom = seededRandom(options.seed + 13);
  }

  /** Goes on until aborted; what was begun is brought to its end. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.handOff(signal), this.addAndRemoveChannels(signal)]);
  }

  private async handOff(signal: AbortSignal): Promise<void> {
    const random = this.handoffRandom;
    while (await pause(random, HANDOFF_EVERY_MS, signal)) {
      const id = pick(random, this.options.channelIds);
      try {
        const move = await this.call(operations.handoff, { params: { id } });
        if (move.outcome === 'completed') this.handoffs.completed += 1;
        else this.handoffs.refused += 1;
      } catch {
        // Refused, undone, or nobody there to ask: all of it is to be expected here. The move's own record tells.
        this.handoffs.refused += 1;
      }
    }
  }

  private async addAndRemoveChannels(signal: AbortSignal): Promise<void> {
    const random = this.extraChannelRandom;
    const { events } = this.options;
    while (await pause(random, EXTRA_CHANNEL_AFTER_MS, signal)) {
      this.extraChannels += 1;
      const id = `extra-${this.extraChannels}`;
      if (
        !(await this.insist(() => this.call(operations.addChannel, { body: { id } }), ASK_WITHIN_MS, signal))
      )
        continue;
      events.say(`${id} was added`);
      events.onAdded(id);
      await pause(random, EXTRA_CHANNEL_STAYS_MS, signal);
      if (this.options.interrupted.aborted) return;
      await events.beforeRemoval(id);
      const remove = (): Promise<unknown> => this.call(operations.removeChannel, { params: { id } });
      const gone = await this.insist(remove, REMOVE_WITHIN_MS, this.options.interrupted);
      events.say(gone ? `${id} was removed` : `${id} could not be removed`);
      if (gone) events.onRemoved(id);
    }
  }

  private call<O extends Operation>(operation: O, request: RequestOf<O>): Promise<Answer<O>> {
    const { apiUrl, interrupted: signal } = this.options;
    return callApi(apiUrl, operation, request, { timeoutMs: ASK_WITHIN_MS, signal });
  }

  /** Retries; an answer that says that it is done already is as good as the first one. */
  private async insist(ask: () => Promise<unknown>, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline && !signal.aborted) {
      try {
        await ask();
        return true;
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'channel-exists' || code === 'unknown-channel') return true;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }
}

/** False once aborted. */
const pause = async (
  random: () => number,
  { least, most }: { least: number; most: number },
  signal: AbortSignal,
): Promise<boolean> => {
  if (signal.aborted) return false;
  await sleep(least + random() * (most - least), undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
};
