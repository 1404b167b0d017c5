import { TICKS_PER_SECOND } from '../../domain';
import { mediaSequenceOf, piecesOf, type Piece } from './gop-cuts';
import { targetSecondsOf, type OpenGop, type Partial } from './partial-rules';
import type { LedgerRecord } from './records';

/** Tags of low-latency HLS (draft-pantos-hls-rfc8216bis, 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5), as pure functions of what is public. */

/** What a playlist is made of beside whole GOPs. */
export interface LowLatencyListing {
  partialTicks: number;
  /** The partial segments of a whole GOP, if they cover it. */
  of(gop: number): readonly Partial[] | undefined;
  /** The GOP that is being published, and what its record will say; null: nothing of it is public. */
  open: (OpenGop & { announced: LedgerRecord }) | null;
  /** Token under which the next partial segment will come; null: nobody publishes. */
  token: number | null;
  /** URIs of the playlists of the other renditions, relative to this one. */
  others: readonly string[];
  /** Replace what is older than the skip boundary by a tag. */
  skip: boolean;
}

interface OfChannel {
  gopDurationTicks: number;
}

/** The end of a playlist. */
export interface PlaylistEdge {
  /** Media sequence number of the last whole segment. */
  lastSequence: number;
  /** Partial segments of it, and of the segment that follows. */
  partials: number;
  openPartials: number;
}

/** Partial segments are listed for so many target durations from the end, and older segments may be skipped (4.4.3.8). */
const LISTED_TARGETS = 3;
export const SKIP_TARGETS = 6;
/** 4.4.3.8: at least twice, better three times the longest partial segment. */
const HOLD_BACK_PARTIALS = 3;

/** To the hundred thousandth of a second, without trailing zeros. */
const rounded = (seconds: number): string => String(Number(seconds.toFixed(5)));

/** A partial segment with its place in its GOP. */
export interface PlacedPartial {
  partial: Partial;
  index: number;
}

export const placed = (partials: readonly Partial[]): PlacedPartial[] =>
  partials.map((partial, index) => ({ partial, index }));

/** The partial segments of a piece of a GOP. */
export const partialsIn = (
  listing: LowLatencyListing,
  { gop }: Pick<LedgerRecord, 'gop'>,
  { startTicks, durationTicks }: Pick<Piece, 'startTicks' | 'durationTicks'>,
): PlacedPartial[] =>
  placed(listing.of(gop) ?? []).filter(
    ({ partial }) => partial.startTicks >= startTicks && partial.startTicks < startTicks + durationTicks,
  );

/** The GOP of which the beginning is public, if it follows the last whole one. */
export const openAfter = (
  { open }: Pick<LowLatencyListing, 'open'>,
  last: LedgerRecord | undefined,
): LowLatencyListing['open'] => (open && last && open.gop === last.gop + 1 ? open : null);

export const edgeOf = (listing: LowLatencyListing, last: LedgerRecord, channel: OfChannel): PlaylistEdge => {
  const pieces = piecesOf(last, channel);
  return {
    lastSequence: mediaSequenceOf(last) + pieces.length - 1,
    partials: partialsIn(listing, last, pieces.at(-1)!).length,
    openPartials: openAfter(listing, last)?.partials.length ?? 0,
  };
};

/** Tags of the head. */
export const headTags = ({ partialTicks }: LowLatencyListing, targetSeconds: number): string[] => {
  const target = targetSecondsOf(partialTicks);
  return [
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,' +
      `PART-HOLD-BACK=${rounded(HOLD_BACK_PARTIALS * target)},` +
      `CAN-SKIP-UNTIL=${(SKIP_TARGETS * targetSeconds).toFixed(1)}`,
    `#EXT-X-PART-INF:PART-TARGET=${rounded(target)}`,
  ];
};

export const partTag = ({ startTicks, endTicks, independent }: Partial, uri: string | null): string =>
  `#EXT-X-PART:DURATION=${rounded((endTicks - startTicks) / TICKS_PER_SECOND)},URI="${uri ?? 'none'}"` +
  (independent ? ',INDEPENDENT=YES' : '') +
  (uri === null ? ',GAP=YES' : '');

/** True if partial segments of a segment with so much after its beginning are still listed. */
export const isNearEnd = (ticksToEnd: number, targetSeconds: number): boolean =>
  ticksToEnd < LISTED_TARGETS * targetSeconds * TICKS_PER_SECOND;

/** Tags of the end: what comes next, and where the other renditions are. */
export const tailTags = (
  listing: LowLatencyListing,
  last: LedgerRecord,
  channel: OfChannel,
  uriOf: (gop: number, index: number, token: number) => string,
): string[] => {
  const open = openAfter(listing, last);
  const comesNext = open !== null || listing.of(last.gop) !== undefined;
  const index = open?.partials.length ?? 0;
  // Of a GOP that another owner began, the one in force goes on after its parts.
  const hint =
    listing.token !== null && comesNext
      ? [`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uriOf(last.gop + 1, index, listing.token)}"`]
      : [];
  const { lastSequence, partials, openPartials } = edgeOf(listing, last, channel);
  const [sequence, part] =
    openPartials > 0 ? [lastSequence + 1, openPartials - 1] : [lastSequence, partials - 1];
  return [
    ...hint,
    // A report must name a partial segment (4.4.5.4).
    ...(part < 0 ? [] : listing.others).map(
      (uri) => `#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${sequence},LAST-PART=${part}`,
    ),
  ];
};

/** How far ahead a player may ask (6.2.5.2). */
const advanceLimit = (partialTicks: number): number =>
  Math.ceil(3 / Math.min(1, targetSecondsOf(partialTicks)));

/**
 * Whether a playlist has what a blocking reload asks for (6.2.5.2). A part beyond the last one of its segment is the first
 * one of the next.
 */
export const reloadState = (
  edge: PlaylistEdge,
  { sequence, part }: { sequence: number; part?: number | undefined },
  partialTicks: number,
): 'ready' | 'wait' | 'too-far' => {
  const { lastSequence, partials, openPartials } = edge;
  const rollsOver = sequence === lastSequence && part !== undefined && partials > 0 && part >= partials;
  const wanted = rollsOver ? { sequence: sequence + 1, part: 0 } : { sequence, part };
  if (wanted.sequence <= lastSequence) return 'ready';
  if (wanted.sequence > lastSequence + 2) return 'too-far';
  if (wanted.part === undefined) return 'wait';
  const has = wanted.sequence === lastSequence + 1 ? openPartials : 0;
  if (wanted.part < has) return 'ready';
  return wanted.part >= has + advanceLimit(partialTicks) ? 'too-far' : 'wait';
};
