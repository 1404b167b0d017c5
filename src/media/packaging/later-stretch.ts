import { boxesIn } from './boxes';

/** What makes pictures amid a GOP a fragment of their own. */

const START_CODE_BYTES = 3;
const CONTAINERS = new Set(['moof', 'traf']);
/** ISO/IEC 14496-12, 8.8.3.1: the sample depends on others, and is no sync sample. */
const NO_SYNC_SAMPLE = 0x01010000;
const FIRST_SAMPLE_FLAGS = 0x4;

/** NAL units of a byte stream (ITU-T H.264 and H.265, annex B), each with the start code in front of it. */
const nalUnitsIn = (stream: Buffer): Buffer[] => {
  const starts: number[] = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 1, 'hex'))
    starts.push(at);
  return starts.map((start, i) => stream.subarray(start, starts[i + 1] ?? stream.length));
};

const H264_PARAMETER_SETS = [7, 8];
const HEVC_PARAMETER_SETS = [32, 33, 34];
const H264_DELIMITER = 9;
const HEVC_DELIMITER = 35;

/** The parameter sets of a picture. */
export const parameterSetsOf = (picture: Buffer, isHevc: boolean): Buffer => {
  const isParameterSet = (unit: Buffer): boolean => {
    const first = unit[START_CODE_BYTES] ?? 0;
    return isHevc
      ? HEVC_PARAMETER_SETS.includes((first >> 1) & 63)
      : H264_PARAMETER_SETS.includes(first & 31);
  };
  return Buffer.concat(nalUnitsIn(picture).filter(isParameterSet));
};

/** A picture with parameter sets, which stand after its access unit delimiter if it has one. */
export const withParameterSets = (picture: Buffer, sets: Buffer, isHevc: boolean): Buffer => {
  const [first, ...units] = nalUnitsIn(picture);
  if (!first) return picture;
  const header = first[START_CODE_BYTES] ?? 0;
  const isDelimiter = isHevc ? ((header >> 1) & 63) === HEVC_DELIMITER : (header & 31) === H264_DELIMITER;
  return Buffer.concat(isDelimiter ? [first, sets, ...units] : [sets, first, ...units]);
};

/**
 * Says in a fragment, in place, that no decoder can start at its first picture: the muxer takes the first one of each
 * fragment for one where it can.
 */
export const withoutSyncSample = <T extends Uint8Array>(media: T): T => {
  const view = new DataView(media.buffer, media.byteOffset, media.byteLength);
  for (const { type, content, end } of boxesIn(media, CONTAINERS)) {
    // Version and flags, sample count, data offset, flags of the first sample (8.8.8.2).
    if (type === 'trun' && (view.getUint32(content) & FIRST_SAMPLE_FLAGS) !== 0)
      view.setUint32(content + 12, NO_SYNC_SAMPLE);
    // Those of all others, which also a single one has; the head ends with them (8.8.7.2).
    else if (type === 'tfhd' && (view.getUint32(content) & 0x20) !== 0)
      view.setUint32(end - 4, NO_SYNC_SAMPLE);
  }
  return media;
};
