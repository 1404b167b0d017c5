import type { ViewerCount } from '../domain';
import type { Watched } from './player-path';

/** A request of a viewer. */
export interface Sighting extends Watched {
  /** Empty where it is not known. */
  region: string;
  /** Uniform at random among all viewers, the same for each request of one: a whole number below 2^48. */
  viewer: number;
  atMs: number;
}

interface Tracked extends Watched {
  region: string;
  atMs: number;
  /** How many viewers this one stands for. */
  weight: number;
}

/** A viewer counts until so long after the last request: twice what players wait for the playlist of the longest GOP. */
export const ACTIVE_MS = 20_000;

/** Viewers that are kept one by one, over all channels; of more, one in two, four, eight. */
const MOST_TRACKED = 200_000;

/** Least fill, as a part of what is kept, at which more of the viewers are kept again. */
const ROOMY = 0.25;

/**
 * Counts who watches what, from requests. A viewer counts once per channel, at the rendition that was asked for last.
 *
 * Memory is bounded by adaptive sampling (Wegman; Flajolet, "On adaptive sampling", Computing 43, 1990): where there are
 * more viewers than are kept, those stay whose number ends with a zero bit, and each stands for two; then with two zero
 * bits for four. The standard error is about 1.2 / sqrt(maxTracked) of the total: 0.3 % with 200,000.
 */
export class ViewerCounter {
  /** By channel and viewer, those seen last at the end. */
  private readonly tracked = new Map<string, Tracked>();
  /** One in this many viewers is kept: a power of two. */
  private share = 1;

  constructor(private readonly maxTracked = MOST_TRACKED) {}

  saw({ channelId, rendition, region, viewer, atMs }: Sighting): void {
    if (viewer % this.share !== 0) return;
    const key = `${viewer}/${channelId}`;
    const before = this.tracked.get(key);
    this.tracked.delete(key);
    this.tracked.set(key, {
      channelId,
      rendition: rendition ?? before?.rendition ?? null,
      region,
      atMs,
      weight: this.share,
    });
    if (this.tracked.size > this.maxTracked) this.makeRoom(atMs);
  }

  /** Viewers at this moment, by channel, rendition and region, in that order. */
  counts(atMs: number): ViewerCount[] {
    this.forget(atMs);
    const sums = new Map<string, ViewerCount>();
    for (const { channelId, rendition, region, weight } of this.tracked.values()) {
      const key = `${channelId}/${rendition ?? ''}/${region}`;
      const sum = sums.get(key) ?? { channelId, rendition, region, viewers: 0 };
      sum.viewers += weight;
      sums.set(key, sum);
    }
    return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
  }

  private forget(atMs: number): void {
    for (const [key, { atMs: seenAtMs }] of this.tracked) {
      if (seenAtMs > atMs - ACTIVE_MS) break;
      this.tracked.delete(key);
    }
    // Viewers that are kept already go on standing for two until they are seen again; meanwhile others join them.
    if (this.share > 1 && this.tracked.size < this.maxTracked * ROOMY) this.share /= 2;
  }

  private makeRoom(atMs: number): void {
    this.forget(atMs);
    while (this.tracked.size > this.maxTracked) {
      this.share *= 2;
      for (const [key, one] of this.tracked) {
        if (Number(key.slice(0, key.indexOf('/'))) % this.share !== 0) this.tracked.delete(key);
        else one.weight = this.share;
      }
    }
  }
}
