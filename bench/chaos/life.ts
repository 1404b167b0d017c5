import { setTimeout as sleep } from 'node:timers/promises';
import { operations, type Answer, type Asking, type Operation } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { seededRandom } from '../../src/domain/seeded-random';
import { pick } from '../lib/statistics';

const HANDOFF_EVERY_MS = { least: 5_000, most: 15_000 };
const GUEST_AFTER_MS = { least: 20_000, most: 60_000 };
const GUEST_STAYS_MS = { least: 40_000, most: 90_000 };
const ASK_WITHIN_MS = 60_000;
const RETRY_MS = 2_000;
/** A guest is taken away however long the control plane needs for it. */
const REMOVE_WITHIN_MS = 180_000;

export interface LifeEvents {
  say(text: string): void;
  /** A channel was added, and is to be checked from its first GOP on. */
  onAdded(channelId: string): void;
  /** A channel is about to be removed, with all its media. */
  beforeRemoval(channelId: string): Promise<void>;
  onRemoved(channelId: string): void;
}

/** What goes on in any swarm, also while things break: handoffs asked for by an operator, channels that come and go. */
export class Life {
  /** Handoffs asked for, and how they were answered. */
  readonly asked = { completed: 0, refused: 0 };
  private guests = 0;
  private readonly handoffRandom: () => number;
  private readonly guestRandom: () => number;

  constructor(
    private readonly options: {
      apiUrl: string;
      channelIds: readonly string[];
      seed: number;
      events: LifeEvents;
      /** Aborted when the whole run is broken off: nothing is brought to its end then. */
      interrupted: AbortSignal;
    },
  ) {
    this.handoffRandom = seededRandom(options.seed + 7);
    this.guestRandom = seededRandom(options.seed + 13);
  }

  /** Goes on until aborted; what was begun is brought to its end. */
  async live(signal: AbortSignal): Promise<void> {
    await Promise.all([this.handOff(signal), this.haveGuests(signal)]);
  }

  private async handOff(signal: AbortSignal): Promise<void> {
    const random = this.handoffRandom;
    while (await pause(random, HANDOFF_EVERY_MS, signal)) {
      const id = pick(random, this.options.channelIds);
      try {
        const move = await this.call(operations.handoff, { params: { id } });
        if (move.outcome === 'completed') this.asked.completed += 1;
        else this.asked.refused += 1;
      } catch {
        // Refused, undone, or nobody there to ask: all of it is to be expected here. The move's own record tells.
        this.asked.refused += 1;
      }
    }
  }

  private async haveGuests(signal: AbortSignal): Promise<void> {
    const random = this.guestRandom;
    const { events } = this.options;
    while (await pause(random, GUEST_AFTER_MS, signal)) {
      this.guests += 1;
      const id = `guest-${this.guests}`;
      if (
        !(await this.insist(() => this.call(operations.addChannel, { body: { id } }), ASK_WITHIN_MS, signal))
      )
        continue;
      events.say(`${id} was added`);
      events.onAdded(id);
      await pause(random, GUEST_STAYS_MS, signal);
      if (this.options.interrupted.aborted) return;
      await events.beforeRemoval(id);
      const remove = (): Promise<unknown> => this.call(operations.removeChannel, { params: { id } });
      const gone = await this.insist(remove, REMOVE_WITHIN_MS, this.options.interrupted);
      events.say(gone ? `${id} was removed` : `${id} could not be removed`);
      if (gone) events.onRemoved(id);
    }
  }

  private call<O extends Operation>(operation: O, asking: Asking<O>): Promise<Answer<O>> {
    const { apiUrl, interrupted: signal } = this.options;
    return callApi(apiUrl, operation, asking, { timeoutMs: ASK_WITHIN_MS, signal });
  }

  /** Asks again and again; an answer that says that it is done already is as good as the first one. */
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
