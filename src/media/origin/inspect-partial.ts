import type { GopPictures } from '../../contracts/relay';
import { SPLICE_TOLERANCE_TICKS, SwarmError } from '../../domain';
import type { FoundSound } from '../packaging';
import { isOfEncode, type OpenGop, type Partial, type PartialAttempt } from './partial-rules';
import type { RenditionRecord } from './records';
import { inspectPart, requireLedger, type BodyPart } from './verify-gop';

/** A GOP with one stretch more, and what can be told of it so far. */
export interface GrownGop {
  open: OpenGop;
  renditions: RenditionRecord[];
  sound: FoundSound[];
}

/**
 * Adds a stretch to what is public of a GOP, and checks all of it as a whole GOP is checked: it begins with an IDR picture,
 * no packet is missing, and its pictures are exactly those that the relay has received up to there. Where another encode
 * goes on, its first stretch begins with an IDR picture too, and is decoded with the same parameter sets.
 * @throws SwarmError malformed-segment, ledger-mismatch; conflict where players could not go from one encode to the other
 */
export const growGop = (
  before: OpenGop | null,
  attempt: PartialAttempt & { startTicks: number },
  parts: readonly BodyPart[],
  pictures: GopPictures,
  gopDurationTicks: number,
): GrownGop => {
  const { gop, token, run, startTicks, untilTicks } = attempt;
  const renditions = parts.map(({ name, frameRateDivisor }) => ({ name, bytes: 0, frameRateDivisor }));
  const isAlike = (r: { name: string; frameRateDivisor?: number | undefined }, i: number): boolean =>
    r.name === renditions[i]?.name && r.frameRateDivisor === renditions[i]?.frameRateDivisor;
  if (before && !(before.renditions.length === parts.length && before.renditions.every(isAlike)))
    throw new SwarmError('malformed-segment', `Partial segments of GOP ${gop} are of the same renditions.`);
  const bytes = parts.map(({ segment }, i) => [...(before?.bytes[i] ?? []), segment]);
  if (!pictures.ptsTicks.includes(untilTicks))
    throw new SwarmError('ledger-mismatch', `The relay has no picture of GOP ${gop} at ${untilTicks} ticks.`);
  const goesOnAfterOther = before !== null && !isOfEncode(before, attempt);
  const soFar = { gop, ptsTicks: pictures.ptsTicks.filter((ticks) => ticks < untilTicks) };
  const inspected = parts.map((part, i) => {
    const whole = Buffer.concat(bytes[i]!);
    const found = inspectPart({ ...part, segment: whole });
    requireLedger(found.record, found.videoPtsTicks, soFar, gopDurationTicks);
    if (goesOnAfterOther) requireAlike(found.record, inspectPart(part).record, gop);
    return found;
  });
  const added: Partial = {
    ...{ token, startTicks, endTicks: untilTicks, independent: before === null || goesOnAfterOther },
    places: bytes.map((list, i) => {
      const toByte = list.reduce((sum, { length }) => sum + length, 0);
      return { fromByte: toByte - parts[i]!.segment.length, toByte };
    }),
  };
  const partials = before?.partials ?? [];
  const ownFrom = before && !goesOnAfterOther ? before.ownFrom : partials.length;
  return {
    open: { gop, token, run, ownFrom, renditions, bytes, partials: [...partials, added] },
    renditions: inspected.map(({ record }) => record),
    sound: inspected[0]?.sound ?? [],
  };
};

/** One header serves a whole segment. @throws SwarmError conflict */
export const requireAlike = (
  begun: Pick<RenditionRecord, 'name' | 'parameterSets'>,
  goesOn: Pick<RenditionRecord, 'parameterSets'>,
  gop: number,
): void => {
  if (begun.parameterSets === goesOn.parameterSets) return;
  throw new SwarmError(
    'conflict',
    `What is public of GOP ${gop} in rendition ${begun.name} has other parameter sets.`,
    'Publish the whole GOP once it is encoded.',
  );
};

/** How long ago the first picture of a stretch was received. */
export const receivedAgoMs = ({ ptsTicks, arrivedAgoMs }: GopPictures, startTicks: number): number => {
  const first = ptsTicks.findIndex((ticks) => ticks >= startTicks - SPLICE_TOLERANCE_TICKS);
  return arrivedAgoMs[first] ?? 0;
};
