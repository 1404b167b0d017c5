import { createHash } from 'node:crypto';
import { elementaryStreamOf, type SoundStream } from '../mpegts';

/** What a player must know of a track of sound before it decodes it. */
export interface SoundFormat {
  /** CODECS value of RFC 6381. */
  codecs: string;
  /** ISO 639-2, three letters; absent where the programme map does not say. */
  language?: string;
  /** Absent where that is not known. */
  channels?: number;
  /** Hash of all that the header of its fragments says, 16 hex digits. */
  configuration: string;
}

/** A track of sound in one GOP. */
export interface FoundSound {
  /** Its place in the programme map among the tracks of sound, from 1. */
  track: number;
  /** Bytes of its elementary stream in this GOP. */
  bytes: number;
  /** Null: the GOP has none of it, so that nothing can be told. */
  format: SoundFormat | null;
}

/** What the head of a frame says of a whole track. */
interface FrameFacts {
  codecs: string;
  channels?: number;
  /** The bits that go into the header of fragments. */
  configuration: number[];
}

const MPEG_AUDIO = [0x03, 0x04];
const AAC_ADTS = 0x0f;
const PRIVATE = 0x06;
const AC3 = 0x81;
const EAC3 = 0x87;
const DESCRIPTOR_LANGUAGE = 0x0a;
const DESCRIPTOR_AC3 = 0x6a;
const DESCRIPTOR_EAC3 = 0x7a;

/** Channels by channel_configuration, ISO/IEC 14496-3 table 1.19. */
const AAC_CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8];
/** Full-range channels by acmod, ETSI TS 102 366 table 4.3. */
const AC3_CHANNELS = [2, 1, 2, 3, 3, 4, 4, 5];

/** ADTS header, ISO/IEC 14496-3 table 1.A.6. */
const readAac = (b: Buffer): FrameFacts | null => {
  if (b.length < 7 || b[0] !== 0xff || (b[1]! & 0xf6) !== 0xf0) return null;
  const objectType = (b[2]! >> 6) + 1;
  const channels = AAC_CHANNELS[((b[2]! & 1) << 2) | (b[3]! >> 6)];
  return {
    codecs: `mp4a.40.${objectType}`,
    ...(channels !== undefined && { channels }),
    configuration: [b[2]! & 0xfd, b[3]! & 0xc0],
  };
};

/** Header of MPEG audio, ISO/IEC 11172-3: layer III alone is known to browsers. */
const readMp3 = (b: Buffer): FrameFacts | null => {
  if (b.length < 4 || b[0] !== 0xff || (b[1]! & 0xe6) !== 0xe2) return null;
  return {
    codecs: 'mp4a.40.34',
    channels: b[3]! >> 6 === 3 ? 1 : 2,
    configuration: [b[1]! & 0xfe, b[2]! & 0x0c, b[3]! & 0xc0],
  };
};

/** syncinfo and bsi of AC-3, ETSI TS 102 366, 4.3.1 and 4.3.2. */
const readAc3 = (b: Buffer): FrameFacts | null => {
  if (b.length < 8 || b.readUInt16BE(0) !== 0x0b77) return null;
  const acmod = b[6]! >> 5;
  // Before lfeon: cmixlev where there is a centre, surmixlev where there is a surround, dsurmod in stereo.
  const skipped = ((acmod & 1) !== 0 && acmod !== 1 ? 2 : 0) + (acmod & 4 ? 2 : 0) + (acmod === 2 ? 2 : 0);
  const lfe = (b.readUInt16BE(6) >> (12 - skipped)) & 1;
  return {
    codecs: 'ac-3',
    channels: AC3_CHANNELS[acmod]! + lfe,
    // The lowest bit of the frame size changes from frame to frame at 44.1 kHz.
    configuration: [b[4]! & 0xfe, b[5]!, acmod, lfe],
  };
};

/** bsi of Enhanced AC-3, ETSI TS 102 366, E.1.2.2. */
const readEac3 = (b: Buffer): FrameFacts | null => {
  if (b.length < 6 || b.readUInt16BE(0) !== 0x0b77) return null;
  const channels = AC3_CHANNELS[(b[4]! >> 1) & 7]! + (b[4]! & 1);
  return { codecs: 'ec-3', channels, configuration: [b[4]!, b[5]! & 0xf8] };
};

const descriptorOf = (descriptors: Buffer, tag: number): Buffer | undefined => {
  for (let at = 0; at + 2 <= descriptors.length; at += 2 + descriptors[at + 1]!)
    if (descriptors[at] === tag) return descriptors.subarray(at + 2, at + 2 + descriptors[at + 1]!);
  return undefined;
};

const readerOf = ({
  streamType,
  descriptors,
}: SoundStream): ((b: Buffer) => FrameFacts | null) | undefined => {
  const has = (tag: number): boolean => descriptorOf(descriptors, tag) !== undefined;
  if (streamType === AAC_ADTS) return readAac;
  if (MPEG_AUDIO.includes(streamType)) return readMp3;
  if (streamType === EAC3 || (streamType === PRIVATE && has(DESCRIPTOR_EAC3))) return readEac3;
  if (streamType === AC3 || (streamType === PRIVATE && has(DESCRIPTOR_AC3))) return readAc3;
  return undefined;
};

/** ISO_639_language_descriptor, ISO/IEC 13818-1 §2.6.18: its first language. */
export const languageOf = (descriptors: Buffer): string | undefined => {
  const language = descriptorOf(descriptors, DESCRIPTOR_LANGUAGE)?.toString('latin1', 0, 3).toLowerCase();
  return language !== undefined && /^[a-z]{3}$/.test(language) && language !== 'und' ? language : undefined;
};

/**
 * The tracks of sound of a GOP that can stand in fragmented MP4: AAC (ADTS), MP3, AC-3 and Enhanced AC-3. Others (MPEG
 * layer II, AAC in LATM, DTS) keep their number and are left out.
 */
export const soundTracksOf = (streams: readonly SoundStream[]): FoundSound[] =>
  streams.flatMap((stream, index): FoundSound[] => {
    const read = readerOf(stream);
    if (!read) return [];
    const found = { track: index + 1, bytes: stream.bytes };
    if (!stream.firstUnit) return [{ ...found, bytes: 0, format: null }];
    const facts = read(elementaryStreamOf(stream.firstUnit));
    if (!facts) return [];
    const language = languageOf(stream.descriptors);
    const { codecs, channels } = facts;
    const configuration = createHash('sha256')
      .update(JSON.stringify([codecs, facts.configuration, language ?? null]))
      .digest('hex')
      .slice(0, 16);
    const format: SoundFormat = {
      codecs,
      ...(language !== undefined && { language }),
      ...(channels !== undefined && { channels }),
      configuration,
    };
    return [{ ...found, format }];
  });
