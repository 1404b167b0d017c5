import type { CellForecast, PendingEncoder, Policy, ProvisioningOutcome, ScaleChange } from '../domain';
import { stepAt } from '../forecast';
import { totalUnitsAt } from './capacity';
import { askAgainAtMs, expectedEncoders, failingZones, leadTimeOf } from './lead-time';
import { criticalFractile } from './newsvendor';
import { nextZones } from './zones';

const UNITS_TOLERANCE = 1e-6;

const formatUnits = (units: number): string => units.toFixed(2);
const round = (value: number): number => Math.round(value * 1000) / 1000;

/** An encoder as far as scaling looks at it. */
export interface ScalableEncoder {
  id: string;
  region: string;
  zone: string;
  limitUnits: number;
  /** It answers and is not being drained. */
  staying: boolean;
  /** It takes new work: staying and not cordoned. */
  usable: boolean;
}

export interface ScaleInput {
  atMs: number;
  policy: Policy;
  forecast: CellForecast | null;
  encoders: readonly ScalableEncoder[];
  /** What all channels need now. */
  nowUnits: number;
  /** What found no room on any one encoder below its limit. */
  unplacedUnits: number;
  pending: readonly PendingEncoder[];
  /** Oldest first. */
  outcomes: readonly ProvisioningOutcome[];
  /** Regions whose CDN is forecast to be congested: encoders are rather added elsewhere. */
  congestedRegions?: readonly string[];
}

/** How much must be provided for, and why that much. */
export interface CapacityNeed {
  /** Critical fractile of the prices: the quantile of demand that is worth providing for. */
  fractile: number;
  leadSeconds: number;
  /** Highest demand at the fractile until an encoder asked for now would be ready. */
  untilReadyUnits: number;
  /** Highest demand at the fractile over the whole forecast; that of now where there is none. */
  horizonUnits: number;
  /** Steps of the forecast that are still to come: 0 where there is none, or all of it has passed. */
  stepsAhead: number;
}

export const capacityNeed = ({ atMs, policy, forecast, nowUnits, outcomes }: ScaleInput): CapacityNeed => {
  const fractile = criticalFractile(policy);
  const leadSeconds = leadTimeOf(outcomes).seconds;
  const upcoming = forecast ? totalUnitsAt(forecast, fractile).slice(stepAt(forecast, atMs)) : [];
  const stepsUntilReady = forecast
    ? 1 + stepAt(forecast, atMs + leadSeconds * 1000) - stepAt(forecast, atMs)
    : 0;
  return {
    fractile,
    leadSeconds,
    untilReadyUnits: Math.max(nowUnits, ...upcoming.slice(0, stepsUntilReady)),
    horizonUnits: Math.max(nowUnits, ...upcoming),
    stepsAhead: upcoming.length,
  };
};

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

const figuresOf = (figures: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));

/** Zones whose encoders are all in one of these regions. */
const zonesOfRegions = (encoders: readonly ScalableEncoder[], regions: readonly string[]): Set<string> => {
  const elsewhere = new Set(encoders.filter((e) => !regions.includes(e.region)).map((e) => e.zone));
  return new Set(encoders.map((e) => e.zone).filter((zone) => !elsewhere.has(zone)));
};

export interface ScaleOutDecision {
  scale: ScaleChange;
  /** Why a need can't be met now, if so. */
  unmet?: string;
}

/**
 * Asks for encoders when, by the time that they could be ready, demand at the critical fractile exceeds the limits of
 * all encoders that are there or can be counted on; when channels found no room although the sum would do; or when
 * there are fewer than the policy's floor. A zone in which the provider fails is passed over for a while, and so
 * are those of regions whose CDN is forecast to be congested.
 *
 * What was asked for and is still expected counts, so that the same need is not asked for twice; what is long overdue
 * doesn't, so that a slow provider is not waited for. After a failure it asks again, each time later.
 */
export const decideScaleOut = (input: ScaleInput): ScaleOutDecision => {
  const { atMs, policy, encoders, unplacedUnits, outcomes } = input;
  const need = capacityNeed(input);
  const usable = encoders.filter((e) => e.usable);
  const limitUnits = sumOf(usable, (e) => e.limitUnits);
  // One that has not described itself yet says nothing of how large the next ones will be.
  const described = encoders.filter((e) => e.limitUnits > 0);
  const unitsPerEncoder = described.length > 0 ? sumOf(described, (e) => e.limitUnits) / described.length : 0;
  const expected = expectedEncoders(input.pending, leadTimeOf(outcomes), atMs);
  const expectedUnits = expected.length * unitsPerEncoder;
  const short = need.untilReadyUnits - limitUnits - expectedUnits;
  const shortUnits = Math.max(short, unplacedUnits - expectedUnits);
  const belowFloor = policy.minEncoders - encoders.length - expected.length;
  if (shortUnits <= UNITS_TOLERANCE && belowFloor <= 0) return { scale: { kind: 'none' } };

  const cause =
    short > UNITS_TOLERANCE
      ? `channels will need ${formatUnits(need.untilReadyUnits)} units within ${Math.round(need.leadSeconds)} s at the ${Math.round(need.fractile * 100)} % quantile, the limits of ${usable.length} usable encoders and ${expected.length} expected are ${formatUnits(limitUnits + expectedUnits)} together`
      : shortUnits > UNITS_TOLERANCE
        ? `${formatUnits(unplacedUnits)} units found no room on any one encoder below its limit`
        : `there are ${encoders.length} encoders and ${expected.length} expected of at least ${policy.minEncoders}`;
  const needed = unitsPerEncoder > 0 ? Math.ceil(shortUnits / unitsPerEncoder - UNITS_TOLERANCE) : 1;
  const wanted = Math.max(needed, belowFloor);
  // An overdue request may still bring its encoder: it counts towards the ceiling.
  const room = policy.maxEncoders - encoders.length - input.pending.length;
  const count = Math.min(Math.max(1, wanted), room);
  if (count < 1) {
    return {
      scale: { kind: 'none' },
      unmet: `${cause}; no encoder can be added, there are ${encoders.length} and ${input.pending.length} asked for of at most ${policy.maxEncoders}`,
    };
  }
  const waitMs = askAgainAtMs(outcomes, atMs) - atMs;
  if (waitMs > 0) {
    return {
      scale: { kind: 'none' },
      unmet: `${cause}; the last request for encoders failed, the next one goes out in ${Math.ceil(waitMs / 1000)} s`,
    };
  }
  const present = [
    ...encoders.filter((e) => e.staying).map((e) => e.zone),
    ...input.pending.flatMap((p) => (p.zone === undefined ? [] : [p.zone])),
  ];
  const congested = zonesOfRegions(encoders, input.congestedRegions ?? []);
  const failing = failingZones(outcomes, atMs);
  const isKnown = new Set(present);
  // A congested zone still gives encoders, one that fails gives none.
  const better = [...isKnown].some((zone) => !failing.has(zone) && !congested.has(zone));
  const zones = nextZones(count, present, [], better ? new Set([...failing, ...congested]) : failing);
  const elsewhere =
    better && [...isKnown].some((zone) => congested.has(zone))
      ? `, not in ${(input.congestedRegions ?? []).join(', ')}, whose CDN is forecast to be congested`
      : '';
  return {
    scale: {
      kind: 'provision',
      count,
      ...(zones.length > 0 && { zones }),
      reason: `${cause}; ${count} more${elsewhere}`,
      figures: figuresOf({
        demandUnits: need.untilReadyUnits,
        fractile: need.fractile,
        leadSeconds: need.leadSeconds,
        limitUnits,
        expectedUnits,
        unplacedUnits,
        encoders: encoders.length,
        minEncoders: policy.minEncoders,
        maxEncoders: policy.maxEncoders,
      }),
    },
  };
};

/** An encoder that may be released, if its channels find room elsewhere. */
export interface Departure {
  encoderId: string;
  reason: string;
  figures: Record<string, number>;
}

export interface ScaleInDecision {
  /** Since when one encoder fewer would do; null if it would not. */
  lowDemandSinceMs: number | null;
  /** Empty until that has lasted for the stabilisation time. No order. */
  departures: Departure[];
}

/**
 * Lets encoders go when the others would do for the demand at the critical fractile over the whole forecast, and have
 * done for the stabilisation time. Candidates are of the zones with most encoders, so that the spread over zones stays
 * even; never the last encoder of one of two zones. Where no forecast says what is to come, as while the measurements
 * are away, none goes: what was added for a peak would be gone when it comes.
 */
export const decideScaleIn = (input: ScaleInput, lowDemandSinceMs: number | null): ScaleInDecision => {
  const { atMs, policy, encoders } = input;
  const staying = encoders.filter((e) => e.staying);
  const nothing = (since: number | null): ScaleInDecision => ({ lowDemandSinceMs: since, departures: [] });
  if (staying.length <= policy.minEncoders || input.pending.length > 0) return nothing(null);

  const need = capacityNeed(input);
  if (need.stepsAhead === 0) return nothing(null);
  const limitUnits = sumOf(staying, (e) => e.limitUnits);
  const fits = (e: ScalableEncoder): boolean =>
    need.horizonUnits <= limitUnits - e.limitUnits + UNITS_TOLERANCE;
  const spare = staying.filter(fits);
  if (spare.length === 0) return nothing(null);
  // Since a moment in the future: the clock was set back meanwhile, and how long it was tells nobody.
  const since = Math.min(lowDemandSinceMs ?? atMs, atMs);
  if (atMs - since < policy.scaleInStabilisationSeconds * 1000) return nothing(since);

  const encodersIn = new Map<string, number>();
  for (const { zone } of staying) encodersIn.set(zone, (encodersIn.get(zone) ?? 0) + 1);
  const most = Math.max(...encodersIn.values());
  const inFullestZone = (e: ScalableEncoder): boolean => encodersIn.get(e.zone) === most;
  const keepsTwoZones = (e: ScalableEncoder): boolean =>
    encodersIn.size !== 2 || (encodersIn.get(e.zone) ?? 0) > 1;
  return {
    lowDemandSinceMs: since,
    departures: spare
      .filter((e) => inFullestZone(e) && keepsTwoZones(e))
      .map((e) => ({
        encoderId: e.id,
        reason: `channels will need ${formatUnits(need.horizonUnits)} units at the ${Math.round(need.fractile * 100)} % quantile, and the others may carry ${formatUnits(limitUnits - e.limitUnits)}, for ${Math.round((atMs - since) / 1000)} s; ${e.id} can go`,
        figures: figuresOf({
          demandUnits: need.horizonUnits,
          fractile: need.fractile,
          remainingUnits: limitUnits - e.limitUnits,
          encoders: staying.length,
          minEncoders: policy.minEncoders,
        }),
      })),
  };
};
