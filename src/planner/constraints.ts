import {
  whyNotLadder,
  type EncoderObservation,
  type ErrorCode,
  type Placement,
  type Policy,
} from '../domain';
import { NOWHERE, type PlacementTable } from './placement-table';
import { formatQuanta } from './quanta';

export interface Rejection {
  encoderId: string;
  code: ErrorCode;
  why: string;
}

/** How far a target may be filled: to the policy's limit, or to the encoder's whole capacity. */
export type FillBound = 'limit' | 'capacity';

export const isUsable = ({ reachable, cordoned, draining }: EncoderObservation): boolean =>
  reachable && !cordoned && !draining;

export const boundOf = (table: PlacementTable, encoder: number, bound: FillBound): number =>
  (bound === 'limit' ? table.limitOf[encoder] : table.capacityOf[encoder]) as number;

/** Regions that may encode a channel, its own first. */
export const regionsOf = (table: PlacementTable, channel: number): string[] => {
  const spec = table.channelSeen[channel]?.spec;
  return spec ? [spec.region, ...(spec.placement?.otherRegions ?? [])] : [];
};

const placementOf = (table: PlacementTable, channel: number): Placement | undefined =>
  table.channelSeen[channel]?.spec.placement;

const allowsRegion = (table: PlacementTable, channel: number, region: string): boolean => {
  const spec = table.channelSeen[channel]?.spec;
  return spec?.region === region || (spec?.placement?.otherRegions?.includes(region) ?? false);
};

/**
 * Another channel of its redundancy group that will be, or that a handoff under way has not taken out yet, in a
 * zone; NOWHERE if there is none.
 */
export const groupMateIn = (table: PlacementTable, channel: number, zone: number): number => {
  const group = table.groupOf[channel]!;
  if (group === NOWHERE) return NOWHERE;
  const isIn = (encoder: number): boolean => encoder !== NOWHERE && table.zoneOf[encoder] === zone;
  for (const mate of table.groups[group] ?? []) {
    if (mate === channel) continue;
    if (isIn(table.homeOf[mate]!) || isIn(table.leftFrom[mate]!)) return mate;
  }
  return NOWHERE;
};

/**
 * A channel goes on without a discontinuity only on an encoder of its present one's class. One that nobody
 * encodes has no present one.
 */
export const keepsClass = (table: PlacementTable, channel: number, encoder: number): boolean => {
  const owner = table.ownerOf[channel]!;
  if (owner === NOWHERE || table.isWaiting[channel] === 1) return true;
  return table.classOf[owner] === table.classOf[encoder];
};

/** A host that has just started says a moment later which build it runs. */
const whatDiffers = ({ compatibilityClass, buildDigest }: EncoderObservation): string =>
  compatibilityClass === undefined && buildDigest === undefined
    ? 'has not said yet which build it runs'
    : 'is of another compatibility class';

/** Where a channel must be whatever its group mates do: region, codecs and pins. Null, or what is wrong with an encoder. */
export const pinBreachOf = (table: PlacementTable, encoder: number, channel: number): string | null => {
  const seen = table.encoderSeen[encoder]!;
  if (!allowsRegion(table, channel, seen.region)) {
    return `is in region ${seen.region}, the channel in ${regionsOf(table, channel).join(' or ')}`;
  }
  const why = whyNotLadder(seen, table.channelSeen[channel]?.spec.ladder ?? []);
  if (why !== null) return why;
  const placement = placementOf(table, channel);
  if (placement === undefined) return null;
  const { encoderId, zone, buildId } = placement;
  if (encoderId !== undefined && encoderId !== seen.id) return `is not ${encoderId}, to which it is pinned`;
  if (zone !== undefined && zone !== seen.zone) {
    return `is in zone ${seen.zone}, the channel is pinned to zone ${zone}`;
  }
  if (buildId !== undefined && buildId !== seen.buildId) {
    return `runs ${seen.buildId ?? 'an unknown build'}, the channel is pinned to build ${buildId}`;
  }
  return null;
};

/** Why an encoder may not take a channel while neither of them changes; free room is not looked at. */
export const breachOf = (
  table: PlacementTable,
  policy: Policy,
  encoder: number,
  channel: number,
): string | null => {
  const pin = pinBreachOf(table, encoder, channel);
  if (pin !== null) return pin;
  if (!policy.allowDiscontinuity && !keepsClass(table, channel, encoder)) {
    return `${whatDiffers(table.encoderSeen[encoder]!)}, and the policy allows no discontinuity`;
  }
  const mate = groupMateIn(table, channel, table.zoneOf[encoder]!);
  return mate === NOWHERE
    ? null
    : `shares its zone with ${table.channels.idOf(mate)}, of the same redundancy group`;
};

/** May an encoder, room aside, be given this channel? */
export const isAllowed = (
  table: PlacementTable,
  policy: Policy,
  encoder: number,
  channel: number,
): boolean => {
  if (table.hasRules[channel] === 0 && table.lacksBasics[encoder] === 0) {
    const isNear = table.regionOf[encoder] === table.nearRegionOf[channel];
    return isNear && (policy.allowDiscontinuity || keepsClass(table, channel, encoder));
  }
  return breachOf(table, policy, encoder, channel) === null;
};

export const hasSessionLeft = (table: PlacementTable, encoder: number): boolean =>
  table.sessionsOn[encoder]! < table.mostSessionsOf[encoder]!;

/** Why an encoder can't take a channel, or null if it can. */
export const rejectionOf = (
  table: PlacementTable,
  policy: Policy,
  encoder: number,
  channel: number,
  bound: FillBound,
): Rejection | null => {
  const seen = table.encoderSeen[encoder]!;
  const reject = (code: ErrorCode, why: string): Rejection => ({ encoderId: seen.id, code, why });
  if (!seen.reachable) return reject('encoder-unreachable', 'does not answer');
  if (seen.draining) return reject('encoder-cordoned', 'is being drained');
  if (seen.cordoned) return reject('encoder-cordoned', 'is cordoned');
  const breach = breachOf(table, policy, encoder, channel);
  if (breach !== null) return reject('encoder-incompatible', breach);
  if (!hasSessionLeft(table, encoder)) {
    return reject('encoder-full', `has all of its ${seen.maxSessions} sessions in use`);
  }
  return fillRejectionOf(table, encoder, channel, bound);
};

/** The part of `rejectionOf` that is about room alone. */
export const fillRejectionOf = (
  table: PlacementTable,
  encoder: number,
  channel: number,
  bound: FillBound,
): Rejection | null => {
  const boundQuanta = boundOf(table, encoder, bound);
  const needed = table.peakWith(encoder, channel);
  if (needed <= boundQuanta) return null;
  return {
    encoderId: table.encoders.idOf(encoder),
    code: 'encoder-full',
    why: `would need ${formatQuanta(needed)} units at P90, over its ${bound} of ${formatQuanta(boundQuanta)}`,
  };
};
