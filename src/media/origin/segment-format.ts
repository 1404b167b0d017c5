import { createHash } from 'node:crypto';
import {
  MalformedTransportStream,
  PACKET_BYTES,
  STREAM_TYPE_H264,
  STREAM_TYPE_HEVC,
  TransportStreamReader,
  elementaryStreamOf,
  type PesUnit,
} from '../mpegts';
import { parseSequenceParameters, type HighRange, type SequenceParameters } from './h264-sps';
import { parseHevcSequenceParameters } from './h265-sps';

/** What a player must know of a segment before it decodes it. */
export interface SegmentFormat {
  widthPx: number;
  heightPx: number;
  /** CODECS of RFC 6381. */
  codecs: string;
  /** Absent: standard dynamic range, or not said. */
  videoRange?: HighRange;
  /** Hash of all parameter sets at the start of the segment, 16 hex digits. */
  parameterSets: string;
}

/** RFC 6381 names of the audio stream types that HLS knows (ISO/IEC 13818-1 table 2-34, ATSC A/53). */
const AUDIO_CODECS = new Map([
  [0x03, 'mp4a.40.34'],
  [0x04, 'mp4a.40.34'],
  [0x0f, 'mp4a.40.2'],
  [0x11, 'mp4a.40.2'],
  [0x81, 'ac-3'],
  [0x87, 'ec-3'],
]);

/** NAL units of a coding standard, by type. */
interface NalTypes {
  typeOf(firstByte: number): number;
  isSlice(type: number): boolean;
  /** In front of each IDR picture, in any order. */
  parameterSets: { name: string; type: number }[];
  sequenceType: number;
  parse(sequence: Buffer): SequenceParameters;
}

/** ITU-T H.264, table 7-1; H.265, table 7-1. */
const NAL_TYPES = new Map<number, NalTypes>([
  [
    STREAM_TYPE_H264,
    {
      typeOf: (firstByte) => firstByte & 31,
      isSlice: (type) => type >= 1 && type <= 5,
      parameterSets: [
        { name: 'SPS', type: 7 },
        { name: 'PPS', type: 8 },
      ],
      sequenceType: 7,
      parse: parseSequenceParameters,
    },
  ],
  [
    STREAM_TYPE_HEVC,
    {
      typeOf: (firstByte) => (firstByte >> 1) & 63,
      isSlice: (type) => type <= 31,
      parameterSets: [
        { name: 'VPS', type: 32 },
        { name: 'SPS', type: 33 },
        { name: 'PPS', type: 34 },
      ],
      sequenceType: 33,
      parse: parseHevcSequenceParameters,
    },
  ],
]);

const READ_STEP_BYTES = 256 * PACKET_BYTES;

/** The first video unit and the type of the first audio unit, reading no more than needed. */
const firstUnits = (segment: Buffer, hasAudio: boolean): { video?: PesUnit; audioStreamType?: number } => {
  const found: { video?: PesUnit; audioStreamType?: number } = {};
  const reader = new TransportStreamReader({
    onUnit: (unit) => {
      if (unit.kind === 'video') found.video ??= unit;
      if (unit.kind === 'audio') found.audioStreamType ??= unit.streamType;
    },
  });
  for (let at = 0; at < segment.length; at += READ_STEP_BYTES) {
    reader.push(segment.subarray(at, at + READ_STEP_BYTES));
    if (found.video && (found.audioStreamType !== undefined || !hasAudio)) return found;
  }
  reader.flush();
  return found;
};

const START_CODE = Buffer.from([0, 0, 1]);

/** Parameter sets that stand before the first slice, without start codes and trailing zeros (Annex B). */
const parameterSetsOf = (stream: Buffer, nal: NalTypes): Buffer[] => {
  const sets: Buffer[] = [];
  for (let code = stream.indexOf(START_CODE); code >= 0;) {
    const from = code + 3;
    const type = nal.typeOf(stream[from] ?? 0);
    if (nal.isSlice(type)) break;
    code = stream.indexOf(START_CODE, from);
    let to = code < 0 ? stream.length : code;
    while (to > from && stream[to - 1] === 0) to -= 1;
    if (nal.parameterSets.some((set) => set.type === type)) sets.push(stream.subarray(from, to));
  }
  return sets;
};

/** SPS and PPS in front of the first picture of a segment, without start codes; none if it is not H.264. */
export const readParameterSets = (segment: Buffer): Buffer[] => {
  const { video } = firstUnits(segment, false);
  if (video?.streamType !== STREAM_TYPE_H264) return [];
  return parameterSetsOf(elementaryStreamOf(video), NAL_TYPES.get(STREAM_TYPE_H264)!);
};

/**
 * Reads size and codecs of a segment from the parameter sets in front of its first picture.
 * @throws MalformedTransportStream if it is neither H.264 nor HEVC, or the parameter sets are missing or broken
 */
export const readSegmentFormat = (segment: Buffer, hasAudio: boolean): SegmentFormat => {
  const { video, audioStreamType } = firstUnits(segment, hasAudio);
  const nal = video && NAL_TYPES.get(video.streamType);
  if (!nal) throw new MalformedTransportStream('The video is neither H.264 nor HEVC.');
  const sets = parameterSetsOf(elementaryStreamOf(video), nal);
  const has = (type: number): Buffer | undefined => sets.find((set) => nal.typeOf(set[0]!) === type);
  const sequence = has(nal.sequenceType);
  if (!sequence || !nal.parameterSets.every(({ type }) => has(type))) {
    const names = nal.parameterSets.map(({ name }) => name).join(' and ');
    throw new MalformedTransportStream(`${names} are missing in front of the first picture.`);
  }
  try {
    const { codec, widthPx, heightPx, videoRange } = nal.parse(sequence);
    const audioCodec = audioStreamType === undefined ? undefined : AUDIO_CODECS.get(audioStreamType);
    const hash = createHash('sha256');
    for (const set of sets) hash.update(set).update(START_CODE);
    return {
      widthPx,
      heightPx,
      codecs: audioCodec ? `${codec},${audioCodec}` : codec,
      ...(videoRange && { videoRange }),
      parameterSets: hash.digest('hex').slice(0, 16),
    };
  } catch (error) {
    if (error instanceof RangeError) throw new MalformedTransportStream(`Broken SPS: ${error.message}`);
    throw error;
  }
};
