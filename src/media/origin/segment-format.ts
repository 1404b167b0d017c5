import { createHash } from 'node:crypto';
import {
  MalformedTransportStream,
  PACKET_BYTES,
  STREAM_TYPE_H264,
  TransportStreamReader,
  elementaryStreamOf,
  type PesUnit,
} from '../mpegts';
import { parseSequenceParameters } from './h264-sps';

/** What a player must know of a segment before it decodes it. */
export interface SegmentFormat {
  widthPx: number;
  heightPx: number;
  /** CODECS of RFC 6381. */
  codecs: string;
  /** Hash of all SPS and PPS at the start of the segment, 16 hex digits. */
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

const NAL_SLICE = 1;
const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_PPS = 8;

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

/** SPS and PPS that stand before the first slice, without start codes and trailing zeros (Annex B). */
const parameterSetsOf = (stream: Buffer): Buffer[] => {
  const sets: Buffer[] = [];
  for (let code = stream.indexOf(START_CODE); code >= 0;) {
    const from = code + 3;
    const type = (stream[from] ?? 0) & 31;
    if (type >= NAL_SLICE && type <= NAL_IDR) break;
    code = stream.indexOf(START_CODE, from);
    let to = code < 0 ? stream.length : code;
    while (to > from && stream[to - 1] === 0) to -= 1;
    if (type === NAL_SPS || type === NAL_PPS) sets.push(stream.subarray(from, to));
  }
  return sets;
};

/** SPS and PPS in front of the first picture of a segment, without start codes; none if it is not H.264. */
export const readParameterSets = (segment: Buffer): Buffer[] => {
  const { video } = firstUnits(segment, false);
  return video?.streamType === STREAM_TYPE_H264 ? parameterSetsOf(elementaryStreamOf(video)) : [];
};

/**
 * Reads size and codecs of a segment from the parameter sets in front of its first picture.
 * @throws MalformedTransportStream if it is not H.264, or the parameter sets are missing or broken
 */
export const readSegmentFormat = (segment: Buffer, hasAudio: boolean): SegmentFormat => {
  const { video, audioStreamType } = firstUnits(segment, hasAudio);
  if (video?.streamType !== STREAM_TYPE_H264) throw new MalformedTransportStream('The video is not H.264.');
  const sets = parameterSetsOf(elementaryStreamOf(video));
  const sps = sets.find((set) => (set[0]! & 31) === NAL_SPS);
  if (!sps || !sets.some((set) => (set[0]! & 31) === NAL_PPS)) {
    throw new MalformedTransportStream('SPS and PPS are missing in front of the first picture.');
  }
  try {
    const { codec, widthPx, heightPx } = parseSequenceParameters(sps);
    const audioCodec = audioStreamType === undefined ? undefined : AUDIO_CODECS.get(audioStreamType);
    const hash = createHash('sha256');
    for (const set of sets) hash.update(set).update(START_CODE);
    return {
      widthPx,
      heightPx,
      codecs: audioCodec ? `${codec},${audioCodec}` : codec,
      parameterSets: hash.digest('hex').slice(0, 16),
    };
  } catch (error) {
    if (error instanceof RangeError) throw new MalformedTransportStream(`Broken SPS: ${error.message}`);
    throw error;
  }
};
