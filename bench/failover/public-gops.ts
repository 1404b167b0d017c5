import { setMaxListeners } from 'node:events';
import { OriginClient } from '../../src/contracts/origin';
import type { SwarmError } from '../../src/domain';
import { pause } from '../../src/platform/retry';
import type { SeenGops } from './pauses';

const WAIT_MS = 5_000;
const AWAY_PAUSE_MS = 100;

/** Notes when each GOP became public at the first of several origins, by a question to each of them that waits for the next. */
export class PublicGops {
  private readonly seen = new Map<string, Map<number, number>>();
  private readonly ended = new AbortController();
  private readonly watches: Promise<void>[];

  constructor(originUrls: readonly string[], channelIds: readonly string[]) {
    setMaxListeners(0, this.ended.signal);
    for (const id of channelIds) this.seen.set(id, new Map());
    this.watches = originUrls.flatMap((url) => {
      const origin = new OriginClient(url);
      return channelIds.map((id) => this.watch(origin, id));
    });
  }

  of(channelId: string): SeenGops {
    return this.seen.get(channelId)!;
  }

  /** The newest GOP of a channel that is public somewhere; -1: none was seen. */
  newest(channelId: string): number {
    return Math.max(-1, ...this.of(channelId).keys());
  }

  async stop(): Promise<void> {
    this.ended.abort();
    await Promise.all(this.watches);
  }

  private async watch(origin: OriginClient, id: string): Promise<void> {
    const { signal } = this.ended;
    const seen = this.seen.get(id)!;
    let next: number | null = null;
    while (!signal.aborted) {
      try {
        next ??= (await origin.channel(id, { timeoutMs: WAIT_MS, signal })).nextGop;
        await origin.wait(id, next, WAIT_MS, signal);
        if (!seen.has(next)) seen.set(next, performance.now());
        next += 1;
      } catch (error) {
        const { code } = error as Partial<SwarmError>;
        if (code === 'not-found') next = null;
        if (code !== 'timeout') await pause(AWAY_PAUSE_MS, signal);
      }
    }
  }
}
