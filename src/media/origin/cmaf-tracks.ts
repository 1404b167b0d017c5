import { TICKS_PER_SECOND, framesPerSecondOf, renditionRate } from '../../domain';
import type { Piece } from './gop-cuts';
import { variantsIn, type PlaylistChannel, type Variant } from './playlists';
import type { LedgerRecord, RenditionRecord, SoundRecord } from './records';

/** What playlists and manifests tell of the tracks of fragmented MP4, as pure functions of the ledger. */

/** `styp`, `sidx`, `moof` without its samples, head of `mdat`; and some. */
const FRAGMENT_BYTES = 256;
/** A sample's entry in `trun` (at most 12 bytes), and start codes of 3 bytes that become lengths of 4. */
const PICTURE_BYTES = 20;
/** A frame of sound gets 8 bytes at most and loses its header of 7. */
const SOUND_GROWTH = 1.02;

/** Bits per second, rounded up. */
export interface Rates {
  peak: number;
  average: number;
}

const ratesOf = (bytes: readonly number[], { gopDurationTicks }: PlaylistChannel): Rates => {
  const seconds = gopDurationTicks / TICKS_PER_SECOND;
  const bitsPerSecond = (count: number): number => Math.ceil((count * 8) / seconds);
  const total = bytes.reduce((sum, count) => sum + count, 0);
  return {
    peak: bitsPerSecond(Math.max(0, ...bytes)),
    average: bitsPerSecond(total / Math.max(1, bytes.length)),
  };
};

/** What the fragment of a GOP's pictures has at most. */
const fragmentBytesOf = (r: RenditionRecord, channel: PlaylistChannel): number => {
  const rate = framesPerSecondOf(renditionRate(r, channel.framesPerSecond));
  const pictures = Math.ceil((channel.gopDurationTicks / TICKS_PER_SECOND) * rate);
  return FRAGMENT_BYTES + PICTURE_BYTES * pictures + (r.videoBytes ?? r.bytes);
};

/** The codec of the pictures, without that of the sound in the same transport stream. */
export const videoCodecOf = (r: RenditionRecord): string => r.codecs.split(',')[0]!;

export interface PictureTrack extends Variant {
  rates: Rates;
}

/** The renditions of these records, smallest picture first. */
export const picturesIn = (records: readonly LedgerRecord[], channel: PlaylistChannel): PictureTrack[] =>
  variantsIn(records).map((variant) => {
    const bytes = records
      .flatMap(({ renditions }) => renditions.filter(({ name }) => name === variant.name))
      .map((rendition) => fragmentBytesOf(rendition, channel));
    return { ...variant, rates: ratesOf(bytes, channel) };
  });

export interface SoundInRecords {
  /** As it is in the newest of them. */
  latest: SoundRecord;
  rates: Rates;
}

/** The sound of a GOP, or of a piece of one, if it has any of this track. */
export const soundIn = (record: LedgerRecord, track: number, piece?: Piece): SoundRecord | undefined =>
  record.sound?.find(
    (sound) =>
      sound.track === track &&
      (piece === undefined ? sound.bytes : (sound.pieceBytes?.[piece.index] ?? sound.bytes)) > 0,
  );

/** The tracks of sound of these records, in the order of the programme map. */
export const soundsIn = (records: readonly LedgerRecord[], channel: PlaylistChannel): SoundInRecords[] => {
  const byTrack = new Map<number, SoundRecord[]>();
  for (const sound of records.flatMap((record) => record.sound ?? [])) {
    if (sound.bytes > 0) byTrack.set(sound.track, [...(byTrack.get(sound.track) ?? []), sound]);
  }
  return [...byTrack.values()]
    .map((sounds) => {
      const bytes = sounds.map((sound) => FRAGMENT_BYTES + Math.ceil(sound.bytes * SOUND_GROWTH));
      return { latest: sounds.at(-1)!, rates: ratesOf(bytes, channel) };
    })
    .sort((a, b) => a.latest.track - b.latest.track);
};

/** A language as RFC 5646 wants it: the shortest code, `de` for `deu` and `ger`. */
export const languageTagOf = ({ language }: SoundRecord): string | undefined => {
  try {
    return language === undefined ? undefined : Intl.getCanonicalLocales(language)[0];
  } catch {
    return undefined;
  }
};
