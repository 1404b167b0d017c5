import { Parser, type Segment } from 'm3u8-parser';
import { SwarmError } from '../domain';
import { shownAs } from './location';

/** A GOP as a media playlist lists it: in one segment, or, where it is cut at a splice, in several. */
export interface ListedSegment {
  gop: number;
  /** Of its segments, in order. */
  urls: string[];
  durationSeconds: number;
  /** EXT-X-DISCONTINUITY stands before it. */
  discontinuity: boolean;
  /** EXT-X-GAP: declared absent. */
  gap: boolean;
}

export type Playlist =
  /** `frameRates`: frames per second by URL, where the playlist says so. */
  | { kind: 'master'; renditionUrls: string[]; frameRates: Map<string, number> }
  | { kind: 'media'; segments: ListedSegment[]; targetDurationSeconds: number };

/** Name of an origin's segment: the number of its GOP, and that of the piece, from 0, where the GOP is cut. */
const NAME = /^(\d{1,12})(?:\.(\d+))?\.ts$/;

interface Named {
  gop: number;
  piece: number;
}

/** What the name of a segment says of it, if it is an origin's: a piece, or with a version. */
const namedBy = (url: string): Named | undefined => {
  const { pathname, searchParams } = new URL(url);
  const [, gop, piece] = NAME.exec(pathname.split('/').at(-1)!) ?? [];
  if (gop === undefined || (piece === undefined && !searchParams.has('v'))) return undefined;
  return { gop: Number(gop), piece: Number(piece ?? 0) };
};

/**
 * The GOPs of a list. The media sequence number of a segment is that of its GOP, and one more for each cut before it: so
 * names go first, and where they say nothing, one GOP follows another.
 */
const gopsOf = (segments: readonly Omit<ListedSegment, 'gop'>[], firstSequence: number): ListedSegment[] => {
  const named = segments.map(({ urls }) => namedBy(urls[0]!));
  const first = named.findIndex((name) => name !== undefined);
  const firstGop = first < 0 ? firstSequence : named[first]!.gop - first;
  const found: ListedSegment[] = [];
  segments.forEach((segment, index) => {
    const last = found.at(-1);
    const { gop, piece } = named[index] ?? { gop: last ? last.gop + 1 : firstGop, piece: 0 };
    if (last?.gop === gop && piece > 0) {
      last.urls.push(...segment.urls);
      last.durationSeconds += segment.durationSeconds;
      last.gap ||= segment.gap;
    } else found.push({ gop, ...segment });
  });
  return found;
};

/** Undefined where the parser throws: it does at an attribute list that a line break has cut. */
const manifestOf = (text: string): Parser['manifest'] | undefined => {
  const parser = new Parser();
  parser.addParser({ expression: /^#EXT-X-GAP/, customType: 'gap', segment: true });
  try {
    parser.push(text);
    parser.end();
  } catch {
    return undefined;
  }
  return parser.manifest;
};

/**
 * Reads an HLS playlist (RFC 8216).
 * @throws SwarmError bad-request when it is no HLS playlist, lists nothing, or uses fragmented MP4 or encryption.
 */
export const parsePlaylist = (text: string, url: URL): Playlist => {
  const refuse = (why: string, hint: string): never => {
    throw new SwarmError('bad-request', `The playlist ${shownAs(url.href)} ${why}.`, hint);
  };
  if (!text.startsWith('#EXTM3U')) {
    return refuse('is not an HLS playlist: it does not begin with #EXTM3U', 'Give the address of an .m3u8.');
  }
  const manifest =
    manifestOf(text) ?? refuse('is damaged: a line of it can not be read', 'Read it again; ask its server.');

  const addressOf = (uri: string): string =>
    URL.canParse(uri, url.href)
      ? new URL(uri, url).href
      : refuse(
          `lists ${JSON.stringify(uri.slice(0, 200))}, which is no address`,
          'Read it again; ask its server.',
        );

  if (manifest.playlists?.length) {
    const frameRates = new Map<string, number>();
    for (const { uri, attributes } of manifest.playlists) {
      const framesPerSecond = attributes['FRAME-RATE'];
      if (framesPerSecond !== undefined && framesPerSecond > 0)
        frameRates.set(addressOf(uri), framesPerSecond);
    }
    const renditionUrls = [...new Set(manifest.playlists.map(({ uri }) => addressOf(uri)))];
    return { kind: 'master', renditionUrls, frameRates };
  }
  if (manifest.segments.length === 0) {
    return refuse('lists no segment', 'Wait until the channel has published its first GOP.');
  }
  if (manifest.segments.some((s) => s.map ?? s.key)) {
    return refuse('uses fragmented MP4 or encryption', 'Only MPEG-TS segments in the clear can be verified.');
  }
  const segments = manifest.segments.map((segment: Segment & { custom?: { gap?: string } }) => ({
    urls: [addressOf(segment.uri)],
    durationSeconds: segment.duration,
    discontinuity: segment.discontinuity === true,
    gap: segment.custom?.gap !== undefined,
  }));
  return {
    kind: 'media',
    targetDurationSeconds: manifest.targetDuration ?? 2,
    segments: gopsOf(segments, manifest.mediaSequence ?? 0),
  };
};

/** Channel and rendition of `…/<channel>/<rendition>/index.m3u8`. */
export const mediaPlaylistIdentity = (url: URL): { channelId: string; rendition: string } => {
  const folders = url.pathname.split('/').slice(0, -1);
  return { channelId: folders.at(-2) ?? '', rendition: folders.at(-1) ?? '' };
};
