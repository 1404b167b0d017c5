import type { SwarmSnapshot } from '../../src/domain';
import type { PlacementAudit } from './placement-audit';

/**
 * No plan that brings every encoder within its limit has fewer moves: from each, at each step on its own, at least as
 * many channels must leave as the largest ones that make up what is too much.
 */
export const movesLowerBound = (audit: PlacementAudit): number => {
  const placement = audit.placement();
  const over = audit.excesses(placement);
  const channelsOn = new Map<string, string[]>();
  for (const [channel, encoder] of placement) {
    if (!over.has(encoder)) continue;
    const list = channelsOn.get(encoder);
    if (list) list.push(channel);
    else channelsOn.set(encoder, [channel]);
  }
  let bound = 0;
  for (const [encoder, channels] of channelsOn) {
    let fewest = 0;
    for (let k = 0; k < audit.steps; k++) {
      const units = channels.map((c) => audit.needs(c)[k] as number).sort((a, b) => b - a);
      let left = units.reduce((sum, u) => sum + u, 0) - audit.limit(encoder);
      let count = 0;
      while (left > 1e-5) left -= units[count++] as number;
      fewest = Math.max(fewest, count);
    }
    bound += fewest;
  }
  return bound;
};

/**
 * No placement uses fewer encoders: in each region, at each step on its own, as many of the largest as are needed for
 * the sum of what the region's channels need.
 */
export const encodersLowerBound = (snapshot: SwarmSnapshot, audit: PlacementAudit): number => {
  const regions = new Map<string, { totals: number[]; limits: number[] }>();
  const regionOf = (name: string) => {
    let region = regions.get(name);
    if (!region) regions.set(name, (region = { totals: new Array<number>(audit.steps).fill(0), limits: [] }));
    return region;
  };
  for (const { id, region } of snapshot.encoders) regionOf(region).limits.push(audit.limit(id));
  for (const { spec } of snapshot.channels) {
    const { totals } = regionOf(spec.region);
    audit.needs(spec.id).forEach((units, k) => (totals[k] = (totals[k] as number) + units));
  }
  let bound = 0;
  for (const { totals, limits } of regions.values()) {
    limits.sort((a, b) => b - a);
    let left = Math.max(...totals) - 1e-5;
    let count = 0;
    while (left > 0 && count < limits.length) left -= limits[count++] as number;
    bound += count;
  }
  return bound;
};
