import {
  ladderUnits,
  rungsFor,
  seededRandom,
  shuffled,
  type ChannelObservation,
  type EncoderObservation,
} from '../../src/domain';
import { pick } from '../lib/statistics';
import { EXACT_POLICY } from './exact-policy';
import {
  audienceOf,
  channelOf,
  encoderOf,
  forecastFor,
  NOW_MS,
  withSessions,
  type Audience,
  type Fleet,
} from './instances';
import { PlacementAudit } from './placement-audit';

const HORIZON_STEPS = 6;
/** Channels are misplaced until enough encoders are over their limit, or this many times. */
const MOST_SCATTERED = 60;
/** Large enough that an encoder carries few channels, of very different sizes. */
const MEDIAN_VIEWERS = 2_500;
/** Encoders come in sizes that are multiples of this. */
const SIZE_STEP_UNITS = 10;
const LARGEST_LADDER_UNITS = 75;

interface Site {
  encoder: EncoderObservation;
  audiences: Audience[];
}

const peakOf = (audiences: readonly Audience[]): number =>
  Math.max(
    ...Array.from({ length: HORIZON_STEPS + 1 }, (_, k) =>
      audiences.reduce((sum, { spec, viewers, p90Viewers }) => {
        const rungs = rungsFor(spec, k === 0 ? viewers : (p90Viewers[k - 1] ?? 0));
        return sum + ladderUnits(spec.ladder.slice(0, rungs), spec.framesPerSecond);
      }, 0),
    ),
  );

/**
 * A small fleet that is known to have a placement within all limits: channels are put on encoders by chance, and
 * each encoder gets the smallest size whose limit carries them. So limits leave little room (6 % on average).
 */
const plantedSites = (encoders: number, channels: number, random: () => number): Site[] => {
  const zones = pick(random, [2, 3, 3]);
  const twoClasses = random() < 0.3;
  const sites = Array.from({ length: encoders }, (_, i): Site => {
    const compatibilityClass = twoClasses && i % 3 === 2 ? 'class-b' : 'class-a';
    return {
      encoder: encoderOf(`enc-${i}`, { zone: `zone-${i % zones}`, compatibilityClass }),
      audiences: [],
    };
  });
  const groupSites = new Map<string, Site>();
  for (let i = 0; i < channels; i++) {
    const group = i % 10 < 2 ? `pair-${Math.floor(i / 10)}` : undefined;
    const mate = group === undefined ? undefined : groupSites.get(group);
    const open = sites.filter((s) => s.encoder.zone !== mate?.encoder.zone);
    // The emptiest of two, so that none stays empty and none takes all.
    const [one, two] = [pick(random, open), pick(random, open)];
    const site = one.audiences.length <= two.audiences.length ? one : two;
    const pinned = random() < 0.06 && group === undefined;
    const placement = group !== undefined ? { redundancyGroup: group } : pinned ? { zone: site.encoder.zone } : undefined; // prettier-ignore
    site.audiences.push(audienceOf(`ch-${i}`, 'eu', placement, HORIZON_STEPS, random, MEDIAN_VIEWERS));
    if (group !== undefined) groupSites.set(group, site);
  }
  for (const { encoder, audiences } of sites) {
    const needed = Math.max(LARGEST_LADDER_UNITS, peakOf(audiences) / EXACT_POLICY.limitFraction);
    encoder.capacityUnits = Math.ceil(needed / SIZE_STEP_UNITS) * SIZE_STEP_UNITS;
    encoder.maxSessions = audiences.length + pick(random, [1, 2, 3]);
  }
  return sites;
};

const fleetOfSites = (sites: readonly Site[]): Fleet => {
  const owned = sites.map(({ encoder, audiences }) => audiences.map((a) => channelOf(a, encoder.id)));
  const channels: ChannelObservation[] = owned.flat();
  return {
    snapshot: {
      cell: 'bench',
      atMs: NOW_MS,
      encoders: sites.map(({ encoder }, i) => withSessions(encoder, owned[i] ?? [], NOW_MS)),
      channels,
    },
    forecast: forecastFor(sites.flatMap((s) => s.audiences), HORIZON_STEPS), // prettier-ignore
  };
};

const auditOf = ({ snapshot, forecast }: Fleet): PlacementAudit =>
  new PlacementAudit(snapshot, forecast, EXACT_POLICY);

/** Moves a channel to another encoder of its class, its pins and its group's zones allowing; limits are not looked at. */
const scatter = (sites: readonly Site[], from: Site, random: () => number, within: boolean): boolean => {
  const audience = from.audiences.length > 0 ? pick(random, from.audiences) : undefined;
  if (!audience) return false;
  const { placement } = audience.spec;
  const group = placement?.redundancyGroup;
  const mate = sites.find((s) =>
    s.audiences.some(
      (a) => a !== audience && group !== undefined && a.spec.placement?.redundancyGroup === group,
    ),
  );
  const open = sites.filter(
    ({ encoder, audiences }) =>
      encoder !== from.encoder &&
      encoder.compatibilityClass === from.encoder.compatibilityClass &&
      (placement?.zone ?? encoder.zone) === encoder.zone &&
      encoder.zone !== mate?.encoder.zone &&
      audiences.length < encoder.maxSessions &&
      (!within || peakOf([...audiences, audience]) <= encoder.capacityUnits * EXACT_POLICY.limitFraction),
  );
  if (open.length === 0) return false;
  from.audiences = from.audiences.filter((a) => a !== audience);
  pick(random, open).audiences.push(audience);
  return true;
};

/** A placement with encoders over their limit at P90, and with room to repair that, if little. */
export const overloadedInstance = (seed: number): Fleet => {
  const random = seededRandom(seed);
  const encoders = 6 + Math.floor(random() * 7);
  const channels = Math.round(encoders * (3 + random() * 2));
  const sites = plantedSites(encoders, channels, random);
  const misplaced = 2 + Math.floor(random() * 7);
  const overloaded = 1 + Math.floor(random() * 4);
  for (let done = 0, tries = 0; tries < MOST_SCATTERED; tries++) {
    if (scatter(sites, pick(random, sites), random, false)) done += 1;
    if (done < misplaced) continue;
    const audit = auditOf(fleetOfSites(sites));
    if (audit.excesses(audit.placement()).size >= (tries < MOST_SCATTERED / 2 ? overloaded : 1)) break;
  }
  return fleetOfSites(sites);
};

/** A placement within all limits, spread over more encoders than its channels need. */
export const spreadInstance = (seed: number): Fleet => {
  const random = seededRandom(seed);
  const encoders = 6 + Math.floor(random() * 7);
  const needed = Math.max(3, Math.round(encoders * (0.5 + 0.3 * random())));
  const sites = plantedSites(needed, Math.round(encoders * (3 + random() * 2)), random);
  for (let i = needed; i < encoders; i++) {
    const like = pick(random, sites.slice(0, needed)).encoder;
    sites.push({ encoder: { ...like, id: `enc-${i}` }, audiences: [] });
  }
  const spread = sites.slice(needed).length * 4;
  for (let i = 0; i < spread; i++) scatter(sites, pick(random, shuffled(sites, random)), random, true);
  for (const { encoder, audiences } of sites)
    encoder.maxSessions = Math.max(encoder.maxSessions, audiences.length);
  return fleetOfSites(sites);
};
