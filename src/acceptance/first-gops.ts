import { setTimeout as sleep } from 'node:timers/promises';
import { OriginClient } from '../contracts/origin';
import { SwarmError } from '../domain';

const POLL_MS = 100;

export interface FirstGop {
  channelId: string;
  /** GOP number. */
  gop: number;
  /** When it was published, wall clock. */
  publishedAtMs: number;
}

/**
 * Waits until each of these channels has published a GOP since a moment.
 * @throws SwarmError timeout that names the channels that have not
 */
export const awaitFirstGops = async (options: {
  originUrl: string;
  channelIds: readonly string[];
  sinceMs: number;
  limitMs: number;
  signal?: AbortSignal;
}): Promise<FirstGop[]> => {
  const origin = new OriginClient(options.originUrl);
  const first = new Map<string, FirstGop>();
  const endMs = Date.now() + options.limitMs;
  for (;;) {
    const channels = await origin.channels();
    for (const { id, nextGop, lastPublishedAtMs } of channels) {
      if (lastPublishedAtMs === null || lastPublishedAtMs < options.sinceMs || first.has(id)) continue;
      first.set(id, { channelId: id, gop: nextGop - 1, publishedAtMs: lastPublishedAtMs });
    }
    const missing = options.channelIds.filter((id) => !first.has(id));
    if (missing.length === 0) return options.channelIds.flatMap((id) => first.get(id) ?? []);
    if (Date.now() > endMs) {
      throw new SwarmError(
        'timeout',
        `${missing.join(', ')} did not come on air within ${options.limitMs / 1000} s.`,
        'See the logs of the worker, the source and the encoders in the state folder.',
      );
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
};
