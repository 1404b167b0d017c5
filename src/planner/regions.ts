import type { CellForecast, Policy, RegionOutlook } from '../domain';
import { stepAt } from '../forecast';

/**
 * Highest CDN load (P90) that is forecast for a region from now on; 0 where nobody measures it. A forecast of which all
 * has passed says what was known last: a congested region is not free because the measurements are away.
 */
export const peakRegionLoad = (forecast: CellForecast | null, atMs: number, region: string): number => {
  const p90 = forecast?.regionLoad?.[region]?.p90;
  if (!forecast || !p90) return 0;
  return Math.max(0, ...p90.slice(Math.min(stepAt(forecast, atMs), p90.length - 1)));
};

/** What is expected of each region's CDN, by name; empty where nobody measures any. */
export const regionOutlooks = (
  forecast: CellForecast | null,
  atMs: number,
  policy: Pick<Policy, 'congestedRegionLoad'>,
): RegionOutlook[] =>
  Object.keys(forecast?.regionLoad ?? {})
    .sort()
    .map((region) => {
      const peakLoadP90 = peakRegionLoad(forecast, atMs, region);
      return { region, peakLoadP90, congested: peakLoadP90 > policy.congestedRegionLoad };
    });

/**
 * Orders the regions that may encode a channel, which come nearest to its audience first: those whose CDN is not
 * forecast to be congested stay so, congested ones follow, the least congested first.
 */
export const rankRegions = (
  forecast: CellForecast | null,
  atMs: number,
  policy: Policy,
): ((regions: readonly string[]) => string[]) => {
  const loads = new Map(
    Object.keys(forecast?.regionLoad ?? {}).map((region) => [region, peakRegionLoad(forecast, atMs, region)]),
  );
  const loadOf = (region: string): number => loads.get(region) ?? 0;
  const isCongested = (region: string): boolean => loadOf(region) > policy.congestedRegionLoad;
  return (regions) => [
    ...regions.filter((region) => !isCongested(region)),
    ...regions.filter(isCongested).sort((a, b) => loadOf(a) - loadOf(b)),
  ];
};
