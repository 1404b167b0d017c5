import type { OriginClient } from '../../contracts/origin';
import type { AudienceSeen } from '../../domain';
import { deadlinesMs } from '../../observation/deadlines';
import type { Point } from '../../telemetry';
import type { AudienceChannel, AudienceFeed } from './feed';

/**
 * The audience that the origin counts: `audience` by channel and region, and `rendition_audience` by rendition too. A channel
 * without viewers has a point with 0, as has a region that it had viewers in before. While the origin does not answer there
 * are none, so that the last known audience counts.
 */
export class CountedAudience implements AudienceFeed {
  /** Regions that a channel has had viewers in. */
  private readonly regionsOf = new Map<string, Set<string>>();

  constructor(
    private readonly cell: string,
    private readonly origin: Pick<OriginClient, 'audience'>,
  ) {}

  async pointsAt(channels: readonly AudienceChannel[]): Promise<Point[]> {
    return this.pointsOf(await this.origin.audience({ timeoutMs: deadlinesMs.observe }), channels);
  }

  /** Nobody knows what it will be. */
  viewersAt(): null {
    return null;
  }

  private pointsOf({ atMs, viewers }: AudienceSeen, channels: readonly AudienceChannel[]): Point[] {
    const known = new Map(channels.map((channel) => [channel.id, channel]));
    for (const id of this.regionsOf.keys()) if (!known.has(id)) this.regionsOf.delete(id);
    const { cell } = this;
    const sums = new Map<string, Map<string, number>>();
    const points: Point[] = [];
    for (const { channelId: channel, rendition, region: found, viewers: count } of viewers) {
      const own = known.get(channel);
      // Players go on asking for a channel that was removed.
      if (!own) continue;
      const region = found || own.region;
      const byRegion = sums.get(channel) ?? new Map<string, number>();
      byRegion.set(region, (byRegion.get(region) ?? 0) + count);
      sums.set(channel, byRegion);
      const tags = { cell, channel, region, rendition: rendition ?? 'sound' };
      points.push({ measurement: 'rendition_audience', tags, fields: { viewers: count }, atMs });
    }
    for (const { id: channel, region: own } of channels) {
      const before = this.regionsOf.get(channel) ?? new Set<string>();
      const now = sums.get(channel) ?? new Map<string, number>();
      const regions = new Set([...before, ...now.keys(), ...(before.size + now.size === 0 ? [own] : [])]);
      this.regionsOf.set(channel, regions);
      for (const region of regions) {
        const fields = { viewers: now.get(region) ?? 0 };
        points.push({ measurement: 'audience', tags: { cell, channel, region }, fields, atMs });
      }
    }
    return points;
  }
}
