import {
  SwarmError,
  TICKS_PER_SECOND,
  framesPerSecondOf,
  gopStartTicks,
  renditionRate,
  type FrameRate,
} from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import { mediaSequenceOf, pieceName, piecesOf, type Piece } from './gop-cuts';
import {
  SKIP_TARGETS,
  headTags,
  isNearEnd,
  openAfter,
  partTag,
  partialsIn,
  placed,
  tailTags,
  type LowLatencyListing,
  type PlacedPartial,
} from './low-latency-tags';
import type { LedgerRecord, RenditionRecord } from './records';
import { spliceTags } from './splice-tags';

/** HLS playlists (RFC 8216; EXT-X-GAP: draft-pantos-hls-rfc8216bis, 4.4.4.7) as pure functions of the ledger. */

export interface PlaylistChannel {
  id: string;
  gopDurationTicks: number;
  framesPerSecond: FrameRate;
}

/** No playlist lists more GOPs, whatever its window: 15 min of half seconds, and some. */
const MAX_LISTED = 2_000;
/** RFC 8216, 6.2.2: a live playlist may not get shorter than three target durations. */
const MIN_LISTED = 3;

/**
 * The GOPs of a playlist: those published within `windowMs` before the newest one. Counted from the newest
 * and not from now, so that a channel that stands still keeps the end of its playlist. Between one GOP and the next no
 * more time counts than the GOP lasts, and none that is negative: a wall clock that is set takes nothing out of it.
 * @param records an unbroken run, oldest first
 */
export const windowOf = (
  records: readonly LedgerRecord[],
  windowMs: number,
  gopDurationTicks: number,
): LedgerRecord[] => {
  const gopMs = ticksToMs(gopDurationTicks);
  let from = Math.max(0, records.length - 1);
  for (let ageMs = 0; from > 0; from -= 1) {
    const betweenMs = records[from]!.publishedAtMs - records[from - 1]!.publishedAtMs;
    ageMs += Math.min(gopMs, Math.max(0, betweenMs));
    if (ageMs > windowMs) break;
  }
  return records.slice(Math.max(0, records.length - MAX_LISTED, Math.min(from, records.length - MIN_LISTED)));
};

export interface Variant {
  name: string;
  latest: RenditionRecord;
  peakBytes: number;
  totalBytes: number;
  gops: number;
}

/** The renditions of these records, smallest picture first. */
export const variantsIn = (records: readonly LedgerRecord[]): Variant[] => {
  const byName = new Map<string, Variant>();
  for (const { renditions } of records) {
    for (const r of renditions) {
      const v = byName.get(r.name) ?? { name: r.name, latest: r, peakBytes: 0, totalBytes: 0, gops: 0 };
      v.latest = r;
      v.peakBytes = Math.max(v.peakBytes, r.bytes);
      v.totalBytes += r.bytes;
      v.gops += 1;
      byName.set(r.name, v);
    }
  }
  return [...byName.values()].sort(
    (a, b) => pixels(a.latest) - pixels(b.latest) || a.totalBytes - b.totalBytes,
  );
};

const pixels = (r: RenditionRecord): number => r.widthPx * r.heightPx;

export const notFound = (message: string, hint: string): SwarmError =>
  new SwarmError('not-found', message, hint);

/** What a multivariant playlist says of the pictures of a rendition. */
export const pictureAttributes = (r: RenditionRecord): string =>
  `RESOLUTION=${r.widthPx}x${r.heightPx},VIDEO-RANGE=${r.videoRange ?? 'SDR'}`;

/**
 * Master playlist: the renditions of these records, smallest picture first, with measured bit rates.
 * @param query of the URIs of its media playlists
 * @throws SwarmError not-found while nothing is published
 */
export const masterPlaylist = (
  channel: PlaylistChannel,
  records: readonly LedgerRecord[],
  query = '',
): string => {
  const variants = variantsIn(records);
  if (variants.length === 0) {
    throw notFound(`Channel ${channel.id} has published nothing yet.`, 'Ask again after its first GOP.');
  }
  const seconds = channel.gopDurationTicks / TICKS_PER_SECOND;
  const bitsPerSecond = (bytes: number): number => Math.ceil((bytes * 8) / seconds);
  const lines = variants.flatMap(({ name, latest, peakBytes, totalBytes, gops }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${bitsPerSecond(peakBytes)},AVERAGE-BANDWIDTH=${bitsPerSecond(totalBytes / gops)},` +
      `CODECS="${latest.codecs}",${pictureAttributes(latest)},` +
      `FRAME-RATE=${framesPerSecondOf(renditionRate(latest, channel.framesPerSecond)).toFixed(3)}`,
    `${name}/index.m3u8${query}`,
  ]);
  return ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines, ''].join('\n');
};

/** The rendition itself, else the one whose picture is nearest in size. */
export const renditionOrNearest = (
  renditions: readonly RenditionRecord[],
  wanted: RenditionRecord,
): RenditionRecord | undefined => {
  const distance = (r: RenditionRecord): number =>
    r.name === wanted.name ? -1 : Math.abs(pixels(r) - pixels(wanted));
  return renditions.reduce<RenditionRecord | undefined>(
    (best, r) => (best === undefined || distance(r) < distance(best) ? r : best),
    undefined,
  );
};

/** URI of a segment relative to a media playlist. `v` names the content, so that caches never mix up two lives of a channel. */
const segmentUri = (name: string, segment: RenditionRecord, wanted: RenditionRecord): string => {
  const folder = segment.name === wanted.name ? '' : `../${segment.name}/`;
  return `${folder}${name}.ts?v=${versionOf(segment)}`;
};

export const versionOf = (r: RenditionRecord): string => r.sha256.slice(0, 12);

/** Query of a playlist that has EXT-X-CUE tags too. */
export const cuesQuery = (withCues: boolean): string => (withCues ? '?cues=1' : '');

/** What a playlist lists of a piece of a GOP. */
export interface ListedMedia {
  uri: string;
  /** URI of the header of its fragments. */
  map?: string;
  /** URI of a partial segment of it; null: it has none of this track. */
  partialUri?: (gop: number, place: PlacedPartial) => string | null;
}

/** What a media playlist is made of. */
export interface MediaSource {
  channel: PlaylistChannel;
  records: readonly LedgerRecord[];
  /** Record of the GOP in front of the first listed one, if kept. */
  before: LedgerRecord | undefined;
  /** With EXT-X-CUE tags beside EXT-X-DATERANGE. */
  withCues?: boolean;
  /** Absent: the channel publishes whole GOPs alone. */
  lowLatency?: LowLatencyListing | undefined;
}

/** A segment in a playlist. */
interface Block {
  lines: string[];
  startTicks: number;
}

/** How a playlist names its media. */
export interface MediaNames {
  /** Undefined where there is nothing to list: EXT-X-GAP. */
  mediaOf: (record: LedgerRecord, piece: Piece) => ListedMedia | undefined;
  uriOfGap: (record: LedgerRecord, piece: Piece) => string;
  /** URI of a partial segment that is still to come. */
  hintUri: (gop: number, index: number, token: number) => string;
}

/** Older segments give way to a tag, in an answer to a player that knows them (4.4.5.2); dates stay. */
const withoutOld = (blocks: readonly Block[], endTicks: number, targetSeconds: number): string[] => {
  const boundaryTicks = endTicks - SKIP_TARGETS * targetSeconds * TICKS_PER_SECOND;
  const firstKept = blocks.findIndex(({ startTicks }) => startTicks >= boundaryTicks);
  const skipped = blocks.slice(0, Math.max(0, firstKept));
  if (skipped.length === 0) return blocks.flatMap(({ lines }) => lines);
  const dates = skipped.flatMap(({ lines }) => lines.filter((line) => line.startsWith('#EXT-X-DATERANGE')));
  return [
    `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped.length}`,
    ...dates,
    ...blocks.slice(skipped.length).flatMap(({ lines }) => lines),
  ];
};

/**
 * Media playlist of what `mediaOf` finds of each piece of each GOP; where it finds nothing there is EXT-X-GAP.
 */
export const listMedia = (
  { channel, records, before, withCues = false, lowLatency }: MediaSource,
  { mediaOf, uriOfGap, hintUri }: MediaNames,
): string => {
  const [first] = records;
  const last = records.at(-1);
  if (!first || !last)
    throw notFound(`Channel ${channel.id} has no segments now.`, 'Ask again after its next GOP.');
  const targetSeconds = Math.ceil(channel.gopDurationTicks / TICKS_PER_SECOND);
  // A discontinuity before the first listed GOP is written at it, and counted only when it has left with it.
  const countedBefore = before?.discontinuities ?? first.discontinuities;
  let gaps = false;
  let discontinuities = countedBefore;
  let map: string | undefined;
  const tagsOf = spliceTags(records, withCues);
  const open = lowLatency ? openAfter(lowLatency, last) : null;
  const endTicks = open?.partials.at(-1)?.endTicks ?? gopStartTicks(last.gop + 1, channel.gopDurationTicks);

  /** Tags in front of a segment, or of the beginning of one. */
  const introduce = (record: LedgerRecord, piece: Piece, listed: ListedMedia | undefined): string[] => {
    const lines: string[] = [];
    if (record.discontinuities !== discontinuities) lines.push('#EXT-X-DISCONTINUITY');
    discontinuities = record.discontinuities;
    if (listed?.map !== undefined && listed.map !== map) {
      map = listed.map;
      lines.push(`#EXT-X-MAP:URI="${map}"`);
    }
    if (!listed) {
      lines.push('#EXT-X-GAP');
      gaps = true;
    }
    const aheadMs = ticksToMs(piece.startTicks - gopStartTicks(record.gop, channel.gopDurationTicks));
    lines.push(
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(record.programDateTimeMs + aheadMs).toISOString()}`,
      ...tagsOf(record, piece),
    );
    return lines;
  };
  const partTags = (gop: number, partials: PlacedPartial[], listed: ListedMedia | undefined): string[] =>
    partials.map((place) => partTag(place.partial, listed?.partialUri?.(gop, place) ?? null));

  const pieces = records.flatMap((record) => piecesOf(record, channel).map((piece) => ({ record, piece })));
  const blocks = pieces.map(({ record, piece }): Block => {
    const listed = mediaOf(record, piece);
    const lines = introduce(record, piece, listed);
    if (lowLatency && listed && isNearEnd(endTicks - piece.startTicks, targetSeconds))
      lines.push(...partTags(record.gop, partialsIn(lowLatency, record, piece), listed));
    lines.push(
      `#EXTINF:${(piece.durationTicks / TICKS_PER_SECOND).toFixed(6)},`,
      listed?.uri ?? uriOfGap(record, piece),
    );
    return { lines, startTicks: piece.startTicks };
  });
  const tail: string[] = [];
  if (open) {
    const [piece] = piecesOf(open.announced, channel);
    const listed = mediaOf(open.announced, piece!);
    tail.push(...introduce(open.announced, piece!, listed));
    tail.push(...partTags(open.gop, placed(open.partials), listed));
  }
  if (lowLatency) tail.push(...tailTags(lowLatency, last, channel, hintUri));
  const listed = lowLatency?.skip
    ? withoutOld(blocks, endTicks, targetSeconds)
    : blocks.flatMap(({ lines }) => lines);
  // Of this version on there is EXT-X-SKIP, and EXT-X-GAP.
  const version = lowLatency ? 9 : gaps ? 8 : 6;
  return [
    '#EXTM3U',
    `#EXT-X-VERSION:${version}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-TARGETDURATION:${targetSeconds}`,
    ...(lowLatency ? headTags(lowLatency, targetSeconds) : []),
    `#EXT-X-MEDIA-SEQUENCE:${mediaSequenceOf(first)}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${countedBefore}`,
    ...listed,
    ...tail,
    '',
  ].join('\n');
};

/** Name of a partial segment in the folder of its rendition; the token names its bytes for good. */
export const partialName = (gop: number, index: number, token: number, extension: string): string =>
  `${gop}.p${index}.${extension}?t=${token}`;

/**
 * Media playlist of a rendition. A GOP without it is listed with the segment of the rendition nearest in
 * size; one that is a gap, or whose segment is lost, with EXT-X-GAP.
 * @param wanted the rendition; its picture size tells which other is nearest
 */
export const mediaPlaylist = (
  source: MediaSource,
  wanted: RenditionRecord,
  isStored: (gop: number) => boolean,
): string =>
  listMedia(source, {
    mediaOf: ({ gop, renditions }, piece) => {
      const segment = isStored(gop) ? renditionOrNearest(renditions, wanted) : undefined;
      if (!segment) return undefined;
      const folder = segment.name === wanted.name ? '' : `../${segment.name}/`;
      return {
        uri: segmentUri(pieceName(gop, piece), segment, wanted),
        partialUri: (_, { index, partial }) => folder + partialName(gop, index, partial.token, 'ts'),
      };
    },
    uriOfGap: ({ gop }, piece) => `${pieceName(gop, piece)}.ts`,
    hintUri: (gop, index, token) => partialName(gop, index, token, 'ts'),
  });
