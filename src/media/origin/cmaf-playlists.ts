import { framesPerSecondOf, renditionRate } from '../../domain';
import { fragmentName, fragmentUri, initName, soundName, type CmafTrack } from './cmaf-names';
import {
  languageTagOf,
  picturesIn,
  soundIn,
  soundsIn,
  videoCodecOf,
  type SoundInRecords,
} from './cmaf-tracks';
import type { Piece } from './gop-cuts';
import {
  listMedia,
  notFound,
  partialName,
  pictureAttributes,
  renditionOrNearest,
  type ListedMedia,
  type MediaSource,
  type PlaylistChannel,
} from './playlists';
import type { LedgerRecord, RenditionRecord } from './records';

/** HLS playlists of fragmented MP4 (RFC 8216, 4.3.2.5 and 4.3.4.1) as pure functions of the ledger. */

const SOUND_GROUP = 'sound';

const soundLine = ({ latest }: SoundInRecords, index: number, query: string): string => {
  const language = languageTagOf(latest);
  const attributes = [
    ...['TYPE=AUDIO', `GROUP-ID="${SOUND_GROUP}"`, `NAME="Sound ${latest.track}"`],
    ...(language === undefined ? [] : [`LANGUAGE="${language}"`]),
    `DEFAULT=${index === 0 ? 'YES' : 'NO'}`,
    'AUTOSELECT=YES',
    ...(latest.channels === undefined ? [] : [`CHANNELS="${latest.channels}"`]),
    `URI="${soundName(latest.track)}/index.m3u8${query}"`,
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
};

/**
 * Multivariant playlist: the renditions of these records, smallest picture first, and their sound as one group.
 * @param query of the URIs of its media playlists
 * @throws SwarmError not-found while nothing is published
 */
export const cmafMaster = (
  channel: PlaylistChannel,
  records: readonly LedgerRecord[],
  query = '',
): string => {
  const pictures = picturesIn(records, channel);
  if (pictures.length === 0)
    throw notFound(`Channel ${channel.id} has published nothing yet.`, 'Ask again after its first GOP.');
  const sounds = soundsIn(records, channel);
  const most = (of: (sound: SoundInRecords) => number): number => Math.max(0, ...sounds.map(of));
  const soundCodecs = sounds.map(({ latest }) => latest.codecs);
  const variants = pictures.flatMap(({ name, latest, rates }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${rates.peak + most((s) => s.rates.peak)},` +
      `AVERAGE-BANDWIDTH=${rates.average + most((s) => s.rates.average)},` +
      `CODECS="${[...new Set([videoCodecOf(latest), ...soundCodecs])].join(',')}",` +
      `${pictureAttributes(latest)},` +
      `FRAME-RATE=${framesPerSecondOf(renditionRate(latest, channel.framesPerSecond)).toFixed(3)}` +
      (sounds.length > 0 ? `,AUDIO="${SOUND_GROUP}"` : ''),
    `${name}/index.m3u8${query}`,
  ]);
  const lines = [...sounds.map((sound, index) => soundLine(sound, index, query)), ...variants];
  return ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines, ''].join('\n');
};

/**
 * Media playlist of a track. A GOP without this rendition is listed with the fragment of the one nearest in size, and
 * its header; one that is a gap, or is lost, or has none of this sound, with EXT-X-GAP.
 * @param wanted the rendition as it was last, or the number of the sound
 */
export const cmafPlaylist = (
  source: MediaSource,
  wanted: RenditionRecord | number,
  isStored: (gop: number) => boolean,
): string => {
  const { channel } = source;
  const pictures = (record: LedgerRecord, piece: Piece, of: RenditionRecord): ListedMedia | undefined => {
    const found = renditionOrNearest(record.renditions, of);
    const folder = found && found.name !== of.name ? `../${found.name}/` : '';
    return (
      found && {
        uri: `${folder}${fragmentUri(record, piece, channel)}`,
        map: `${folder}${initName(found.parameterSets)}`,
        partialUri: (gop, { index, partial }) => folder + partialName(gop, index, partial.token, 'm4s'),
      }
    );
  };
  const sound = (record: LedgerRecord, piece: Piece, track: number): ListedMedia | undefined => {
    const found = soundIn(record, track, piece);
    return (
      found && {
        uri: fragmentUri(record, piece, channel),
        map: initName(found.configuration),
        partialUri: (gop, { index, partial }) => partialName(gop, index, partial.token, 'm4s'),
      }
    );
  };
  const mediaOf = (record: LedgerRecord, piece: Piece): ListedMedia | undefined => {
    if (!isStored(record.gop)) return undefined;
    return typeof wanted === 'number' ? sound(record, piece, wanted) : pictures(record, piece, wanted);
  };
  return listMedia(source, {
    mediaOf,
    uriOfGap: (_, piece) => fragmentName(piece),
    hintUri: (gop, index, token) => partialName(gop, index, token, 'm4s'),
  });
};

/** True if a fragment of this record has that header. */
export const hasConfiguration = (record: LedgerRecord, track: CmafTrack, configuration: string): boolean =>
  'sound' in track
    ? soundIn(record, track.sound)?.configuration === configuration
    : record.renditions.some((r) => r.name === track.rendition && r.parameterSets === configuration);
