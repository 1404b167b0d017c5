import type { Request, RequestHandler } from 'express';
import { AudienceMeter, cmcdSessionOf, targetOf, ViewerRegions, watchedBy } from '../../audience';
import type { AudienceSeen, ViewerCount } from '../../domain';
import { OWN_AGENT } from '../../platform/links/client';

export interface AudienceOptions {
  /** Where viewers are, by their addresses; absent: nobody's region is known. */
  regions?: ViewerRegions;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  proxies?: readonly string[];
  now?: () => number;
}

/**
 * Who watches, by what players ask of this origin. Who stands behind a cache is not seen here: the cache's log tells
 * (docs/how-to/measure-the-audience.md).
 */
export class Audience {
  private readonly meter = new AudienceMeter();
  readonly regions: ViewerRegions;
  private readonly now: () => number;
  readonly proxies: readonly string[];

  constructor({ regions = ViewerRegions.parse(''), proxies = [], now = Date.now }: AudienceOptions = {}) {
    this.regions = regions;
    this.proxies = proxies;
    this.now = now;
  }

  /** Stands before the routes of players, and counts what they were given. */
  readonly count: RequestHandler = (req, res, next) => {
    res.once('finish', () => this.saw(req, res.statusCode));
    next();
  };

  /** @param elsewhere who watches by what another process of the origin was asked */
  seen(elsewhere: readonly ViewerCount[] = []): AudienceSeen {
    const atMs = this.now();
    return { atMs, viewers: sumOf([...this.meter.counts(atMs), ...elsewhere]) };
  }

  private saw(req: Request, status: number): void {
    const userAgent = req.get('user-agent') ?? '';
    if (userAgent === OWN_AGENT) return;
    const { path, query } = targetOf(req.originalUrl);
    const watched = watchedBy({ method: req.method, path, status });
    if (!watched) return;
    const address = req.ip ?? '';
    const sessionId = cmcdSessionOf(query, req.get('cmcd-session'));
    this.meter.saw(watched, { sessionId, address, userAgent }, this.regions.of(address), this.now());
  }
}

/** Counts of the same channel, rendition and region as one. */
const sumOf = (counts: readonly ViewerCount[]): ViewerCount[] => {
  const sums = new Map<string, ViewerCount>();
  for (const count of counts) {
    const { channelId, rendition, region, viewers } = count;
    const key = JSON.stringify([channelId, rendition, region]);
    sums.set(key, { ...count, viewers: viewers + (sums.get(key)?.viewers ?? 0) });
  }
  return [...sums.values()];
};
