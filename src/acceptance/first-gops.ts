import { setTimeout as sleep } from 'node:timers/promises';
import { OriginClient } from '../contracts/origin';
import { SourceClient } from '../contracts/source';
import { SwarmError } from '../domain';

const POLL_MS = 100;
/** An input that has failed for so long, while all other channels are on air, is not waited for. */
const INPUT_GRACE_MS = 3_000;

export interface FirstGop {
  channelId: string;
  /** GOP number. */
  gop: number;
  /** When it was published, wall clock. */
  publishedAtMs: number;
}

/** A channel that is not on air since its input can't be read. */
export interface SilentChannel {
  channelId: string;
  /** What the source says of its input. */
  why: string;
}

export interface FirstGops {
  first: FirstGop[];
  silent: SilentChannel[];
}

/**
 * Waits until each of these channels has published a GOP since a moment. Those whose input has failed or ended are
 * not waited for, once all others are on air: the source goes on trying them.
 * @throws SwarmError timeout that names the channels that have not, though their input is there; or if there are none
 * on air at all
 */
export const awaitFirstGops = async (options: {
  originUrl: string;
  sourceUrl: string;
  channelIds: readonly string[];
  sinceMs: number;
  limitMs: number;
  signal?: AbortSignal;
}): Promise<FirstGops> => {
  const origin = new OriginClient(options.originUrl);
  const source = new SourceClient(options.sourceUrl);
  const first = new Map<string, FirstGop>();
  const endMs = Date.now() + options.limitMs;
  let silentSinceMs: number | null = null;
  for (;;) {
    const channels = await origin.channels();
    for (const { id, nextGop, lastPublishedAtMs } of channels) {
      if (lastPublishedAtMs === null || lastPublishedAtMs < options.sinceMs || first.has(id)) continue;
      first.set(id, { channelId: id, gop: nextGop - 1, publishedAtMs: lastPublishedAtMs });
    }
    const missing = options.channelIds.filter((id) => !first.has(id));
    const answer = options.channelIds.flatMap((id) => first.get(id) ?? []);
    if (missing.length === 0) return { first: answer, silent: [] };
    // While nothing is on air yet, the source is busy with just that.
    const silent = answer.length > 0 ? await silentOf(source, missing) : [];
    const onlySilent = silent.length === missing.length;
    silentSinceMs = onlySilent ? (silentSinceMs ?? Date.now()) : null;
    if (silentSinceMs !== null && Date.now() - silentSinceMs >= INPUT_GRACE_MS)
      return { first: answer, silent };
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

const silentOf = async (source: SourceClient, ids: readonly string[]): Promise<SilentChannel[]> => {
  const known = await source.channels().catch(() => []);
  return ids.flatMap((channelId) => {
    const channel = known.find(({ id }) => id === channelId);
    return channel && channel.state !== 'running'
      ? [
          {
            channelId,
            why:
              channel.error ??
              (channel.state === 'opening'
                ? 'its input has not answered yet'
                : `its input has ${channel.state}`),
          },
        ]
      : [];
  });
};
