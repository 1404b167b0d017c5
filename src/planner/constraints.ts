import type { EncoderObservation, ErrorCode, Placement, Policy } from '../domain';
import { NOWHERE, type PlacementBook } from './book';
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

export const boundOf = (book: PlacementBook, encoder: number, bound: FillBound): number =>
  (bound === 'limit' ? book.limitOf[encoder] : book.capacityOf[encoder]) as number;

/** Regions that may encode a channel, its own first. */
export const regionsOf = (book: PlacementBook, channel: number): string[] => {
  const spec = book.channelSeen[channel]?.spec;
  return spec ? [spec.region, ...(spec.placement?.otherRegions ?? [])] : [];
};

const placementOf = (book: PlacementBook, channel: number): Placement | undefined =>
  book.channelSeen[channel]?.spec.placement;

const allowsRegion = (book: PlacementBook, channel: number, region: string): boolean => {
  const spec = book.channelSeen[channel]?.spec;
  return spec?.region === region || (spec?.placement?.otherRegions?.includes(region) ?? false);
};

/**
 * Another channel of its redundancy group that will be, or that a handoff under way has not taken out yet, in a
 * zone; NOWHERE if there is none.
 */
export const groupMateIn = (book: PlacementBook, channel: number, zone: number): number => {
  const group = book.groupOf[channel]!;
  if (group === NOWHERE) return NOWHERE;
  const isIn = (encoder: number): boolean => encoder !== NOWHERE && book.zoneOf[encoder] === zone;
  for (const mate of book.groups[group] ?? []) {
    if (mate === channel) continue;
    if (isIn(book.homeOf[mate]!) || isIn(book.leftFrom[mate]!)) return mate;
  }
  return NOWHERE;
};

/**
 * A channel goes on without a discontinuity only on an encoder of its present one's class. One that nobody
 * encodes has no present one.
 */
export const keepsClass = (book: PlacementBook, channel: number, encoder: number): boolean => {
  const owner = book.ownerOf[channel]!;
  if (owner === NOWHERE || book.isWaiting[channel] === 1) return true;
  return book.classOf[owner] === book.classOf[encoder];
};

/** Where a channel must be whatever its group mates do: region and pins. Null, or what is wrong with an encoder. */
export const pinBreachOf = (book: PlacementBook, encoder: number, channel: number): string | null => {
  const seen = book.encoderSeen[encoder]!;
  if (!allowsRegion(book, channel, seen.region)) {
    return `is in region ${seen.region}, the channel in ${regionsOf(book, channel).join(' or ')}`;
  }
  const placement = placementOf(book, channel);
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

/** What forbids an encoder to a channel for ever so long as both are as they are; room is not looked at. */
export const breachOf = (
  book: PlacementBook,
  policy: Policy,
  encoder: number,
  channel: number,
): string | null => {
  const pin = pinBreachOf(book, encoder, channel);
  if (pin !== null) return pin;
  if (!policy.allowDiscontinuity && !keepsClass(book, channel, encoder)) {
    return 'is of another compatibility class, and the policy allows no discontinuity';
  }
  const mate = groupMateIn(book, channel, book.zoneOf[encoder]!);
  return mate === NOWHERE
    ? null
    : `shares its zone with ${book.channels.idOf(mate)}, of the same redundancy group`;
};

/** May an encoder, room aside, be given this channel? */
export const isAllowed = (book: PlacementBook, policy: Policy, encoder: number, channel: number): boolean => {
  if (book.hasRules[channel] === 0) {
    const isNear = book.regionOf[encoder] === book.nearRegionOf[channel];
    return isNear && (policy.allowDiscontinuity || keepsClass(book, channel, encoder));
  }
  return breachOf(book, policy, encoder, channel) === null;
};

export const hasSessionLeft = (book: PlacementBook, encoder: number): boolean =>
  book.sessionsOn[encoder]! < book.mostSessionsOf[encoder]!;

/** Why an encoder can't take a channel, or null if it can. */
export const rejectionOf = (
  book: PlacementBook,
  policy: Policy,
  encoder: number,
  channel: number,
  bound: FillBound,
): Rejection | null => {
  const seen = book.encoderSeen[encoder]!;
  const reject = (code: ErrorCode, why: string): Rejection => ({ encoderId: seen.id, code, why });
  if (!seen.reachable) return reject('encoder-unreachable', 'does not answer');
  if (seen.draining) return reject('encoder-cordoned', 'is being drained');
  if (seen.cordoned) return reject('encoder-cordoned', 'is cordoned');
  const breach = breachOf(book, policy, encoder, channel);
  if (breach !== null) return reject('encoder-incompatible', breach);
  if (!hasSessionLeft(book, encoder)) {
    return reject('encoder-full', `has all of its ${seen.maxSessions} sessions in use`);
  }
  return fillRejectionOf(book, encoder, channel, bound);
};

/** The part of `rejectionOf` that is about room alone. */
export const fillRejectionOf = (
  book: PlacementBook,
  encoder: number,
  channel: number,
  bound: FillBound,
): Rejection | null => {
  const boundQuanta = boundOf(book, encoder, bound);
  const needed = book.peakWith(encoder, channel);
  if (needed <= boundQuanta) return null;
  return {
    encoderId: book.encoders.idOf(encoder),
    code: 'encoder-full',
    why: `would need ${formatQuanta(needed)} units at P90, over its ${bound} of ${formatQuanta(boundQuanta)}`,
  };
};
