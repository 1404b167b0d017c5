import type { GopLedger } from '../../contracts/relay';
import { gopStartTicks, picturesKept, type Splice } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import { cutPlace, inspectSegment } from '../mpegts';
import type { FoundSound } from '../packaging';
import type { LedgerRecord, RecordedSplice, RenditionRecord } from './records';
import type { BodyPart } from './verify-gop';

/** GOPs whose segments are cut at splices into pieces, each of which a player takes as a segment. */

/** A piece of a GOP, from 0; one that is not cut is one piece. */
export interface Piece {
  index: number;
  /** Pieces of its GOP. */
  count: number;
  /** Channel time. */
  startTicks: number;
  durationTicks: number;
}

interface OfChannel {
  gopDurationTicks: number;
}

type Cut = Pick<LedgerRecord, 'gop' | 'cutTicks'>;

export const piecesOf = ({ gop, cutTicks = [] }: Cut, { gopDurationTicks }: OfChannel): Piece[] => {
  const starts = [gopStartTicks(gop, gopDurationTicks), ...cutTicks];
  const endTicks = gopStartTicks(gop + 1, gopDurationTicks);
  return starts.map((startTicks, index) => ({
    index,
    count: starts.length,
    startTicks,
    durationTicks: (starts[index + 1] ?? endTicks) - startTicks,
  }));
};

/** First byte of a piece in its segment, and the one after its last. */
export const bytesOfPiece = (
  { bytes, cuts = [] }: Pick<RenditionRecord, 'bytes' | 'cuts'>,
  index: number,
): { from: number; to: number } => ({
  from: index === 0 ? 0 : cuts[index - 1]!.byte,
  to: cuts[index]?.byte ?? bytes,
});

/** When the pictures of a piece begin and end in one rendition. */
export const picturesOfPiece = (
  { cuts = [] }: Pick<RenditionRecord, 'cuts'>,
  { index, startTicks, durationTicks }: Piece,
): { startTicks: number; durationTicks: number } => {
  const from = index === 0 ? startTicks : (cuts[index - 1]?.ticks ?? startTicks);
  return { startTicks: from, durationTicks: (cuts[index]?.ticks ?? startTicks + durationTicks) - from };
};

/** Name of a segment, or of a piece of one that is cut: `17`, or `17.0` and `17.1`. */
export const pieceName = (gop: number, { index, count }: Piece): string =>
  count === 1 ? `${gop}` : `${gop}.${index}`;

/** Media sequence number of a GOP's first piece. */
export const mediaSequenceOf = ({ gop, cutsBefore = 0 }: Pick<LedgerRecord, 'gop' | 'cutsBefore'>): number =>
  gop + cutsBefore;

/** What a GOP has of `cutsBefore`, by the record before it. */
export const cutsUpTo = (previous: LedgerRecord | undefined): { cutsBefore?: number } => {
  const cutsBefore = (previous?.cutsBefore ?? 0) + (previous?.cutTicks?.length ?? 0);
  return cutsBefore > 0 ? { cutsBefore } : {};
};

type PartCut = NonNullable<RenditionRecord['cuts']>[number];

/**
 * Where the segments of a GOP can be cut: at those of the wanted pictures where every rendition has an IDR picture with
 * tables in front; one of half or a third of the pictures, at the first of its own from there on. An encoder that does
 * not cut makes whole segments, and nothing is amiss.
 */
export const cutsFound = (
  parts: readonly Pick<BodyPart, 'segment' | 'frameRateDivisor'>[],
  { ptsTicks, cutTicks = [] }: Pick<GopLedger, 'ptsTicks' | 'cutTicks'>,
): { cutTicks: number[]; cutsOfPart: PartCut[][] } => {
  const cutIn = (
    { segment, frameRateDivisor = 1 }: (typeof parts)[number],
    wanted: number,
  ): PartCut | undefined => {
    const ticks = picturesKept(ptsTicks, frameRateDivisor).find((pts) => pts >= wanted);
    const byte = ticks === undefined ? undefined : cutPlace(segment, ticks);
    return byte === undefined ? undefined : { byte, ticks: ticks! };
  };
  const found = cutTicks
    .map((ticks) => ({ ticks, cuts: parts.map((part) => cutIn(part, ticks)) }))
    .filter(({ cuts }) => cuts.every((cut) => cut !== undefined));
  return {
    cutTicks: found.map(({ ticks }) => ticks),
    cutsOfPart: parts.map((_, part) => found.map(({ cuts }) => cuts[part]!)),
  };
};

/** The sound of a segment, with what each of its pieces has of it: a short one may have none. */
export const soundByPiece = (
  found: readonly FoundSound[],
  segment: Buffer,
  cuts: readonly { byte: number }[],
): (FoundSound & { pieceBytes?: number[] })[] => {
  if (cuts.length === 0) return [...found];
  const bounds = [0, ...cuts.map(({ byte }) => byte), segment.length];
  const pieces = bounds.slice(1).map((end, i) => inspectSegment(segment.subarray(bounds[i], end)).sound);
  return found.map((sound) => ({
    ...sound,
    pieceBytes: pieces.map((streams) => streams[sound.track - 1]?.bytes ?? 0),
  }));
};

/** Breaks that have not ended: they are on in the next GOP too. */
export const splicesStillOn = (previous: LedgerRecord | undefined): RecordedSplice[] =>
  (previous?.splices ?? []).filter(({ kind, endTicks }) => kind === 'break' && endTicks === undefined);

/**
 * The splices of a GOP on the wall clock. What was told of one before stays as it is.
 * @param gop the GOP, when its first picture is shown
 */
export const recordedSplices = (
  splices: GopLedger['splices'],
  gop: { startTicks: number; startMs: number },
  previous: LedgerRecord | undefined,
): RecordedSplice[] => {
  const known = new Map((previous?.splices ?? []).map((splice) => [splice.id, splice]));
  const msOf = (ticks: number): number => gop.startMs + ticksToMs(ticks - gop.startTicks);
  return (splices ?? []).map((splice: Splice) => {
    const before = known.get(splice.id);
    const atTicks = before?.atTicks ?? splice.atTicks;
    return {
      ...splice,
      atTicks,
      startMs: before?.startMs ?? msOf(atTicks),
      ...(splice.endTicks !== undefined && { endMs: msOf(splice.endTicks) }),
    };
  });
};
