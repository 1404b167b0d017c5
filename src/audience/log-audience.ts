import type { AudienceRow } from '../domain';
import { AudienceMeter } from './audience-meter';
import { cmcdSessionOf } from './cmcd';
import { watchedBy } from './player-path';
import type { LoggedRequest } from './request-log';
import { ACTIVE_MS } from './viewer-counter';
import type { ViewerRegions } from './viewer-regions';

/** Viewers at one moment, as the history of audiences takes them; without a region: the channel's own. */
export type CountedRow = Omit<AudienceRow, 'region'> & { region?: string };

export interface LogAudienceOptions {
  /** Between two counts, by the time of the log. */
  everyMs: number;
  regions: ViewerRegions;
  /** Of addresses that `regions` does not know; absent: the channel's own. */
  region?: string;
}

/** How many viewers each channel had, from the requests of a log in the order of time. */
export class LogAudience {
  private readonly meter = new AudienceMeter();
  private nextMs: number | null = null;
  private clockMs = 0;
  /** Channels and regions that had viewers at the last count. */
  private watched: CountedRow[] = [];

  constructor(private readonly options: LogAudienceOptions) {}

  /** @returns the counts that were due before it */
  take(request: LoggedRequest): CountedRow[] {
    const watched = watchedBy(request);
    if (!watched) return [];
    // Logs are written when a request ends: some come a little late.
    const atMs = Math.max(request.atMs, this.clockMs);
    const rows = this.reach(atMs);
    const { address, userAgent, query } = request;
    const viewer = { sessionId: cmcdSessionOf(query), address, userAgent };
    this.meter.saw(watched, viewer, this.options.regions.of(address), atMs);
    return rows;
  }

  /** Goes on to a moment. @returns the counts that were due before it */
  reach(atMs: number): CountedRow[] {
    const { everyMs } = this.options;
    this.clockMs = Math.max(this.clockMs, atMs);
    // The first count would miss those whose requests came before the log began.
    this.nextMs ??= Math.ceil((atMs + ACTIVE_MS) / everyMs) * everyMs;
    const rows: CountedRow[] = [];
    while (this.nextMs <= atMs) {
      const at = this.count(this.nextMs);
      rows.push(...at);
      // Nobody watches, and nobody asked since: the next count is that of the next request.
      this.nextMs =
        at.every(({ viewers }) => viewers === 0) && this.watched.length === 0
          ? Math.floor(atMs / everyMs + 1) * everyMs
          : this.nextMs + everyMs;
    }
    return rows;
  }

  private count(atMs: number): CountedRow[] {
    const now = new Map<string, CountedRow>();
    for (const { channelId, region: found, viewers } of this.meter.counts(atMs)) {
      const region = found || this.options.region;
      const key = `${channelId}/${region ?? ''}`;
      const before = now.get(key)?.viewers ?? 0;
      now.set(key, {
        atMs,
        channelId,
        ...(region !== undefined && { region }),
        viewers: before + viewers,
      });
    }
    const gone = this.watched.filter((row) => !now.has(`${row.channelId}/${row.region ?? ''}`));
    this.watched = [...now.values()];
    return [...this.watched, ...gone.map((row) => ({ ...row, atMs, viewers: 0 }))];
  }
}
