/** stream_type values of a programme map, ISO/IEC 13818-1 table 2-34 and ATSC A/53. */
export const STREAM_TYPE_MPEG1_VIDEO = 0x01;
export const STREAM_TYPE_MPEG2_VIDEO = 0x02;
export const STREAM_TYPE_H264 = 0x1b;
export const STREAM_TYPE_HEVC = 0x24;
export const STREAM_TYPE_SCTE_35 = 0x86;
/** Metadata in PES packets, such as timed ID3. */
export const STREAM_TYPE_METADATA = 0x15;

const STREAM_TYPE_MPEG4_VIDEO = 0x10;
const STREAM_TYPE_PRIVATE = 0x06;

const videoTypes = new Set([
  STREAM_TYPE_MPEG1_VIDEO,
  STREAM_TYPE_MPEG2_VIDEO,
  STREAM_TYPE_MPEG4_VIDEO,
  STREAM_TYPE_H264,
  STREAM_TYPE_HEVC,
]);
/** MPEG-1 and MPEG-2 audio, AAC in ADTS, AAC in LATM, AC-3, E-AC-3. */
const audioTypes = new Set([0x03, 0x04, 0x0f, 0x11, 0x81, 0x87]);
/** DVB descriptors that name the audio of a private stream: AC-3, E-AC-3, DTS, AAC. */
const audioDescriptors = new Set([0x6a, 0x7a, 0x7b, 0x7c]);

export const isVideoType = (streamType: number): boolean => videoTypes.has(streamType);

/** Streams of sections instead of PES packets: private sections, DSM-CC, SCTE-35. */
const sectionTypes = new Set([0x05, 0x0a, 0x0b, 0x0c, 0x0d, STREAM_TYPE_SCTE_35]);

export const carriesSections = (streamType: number): boolean => sectionTypes.has(streamType);

export type StreamKind = 'video' | 'audio' | 'other';

/** What an elementary stream carries; `descriptorTags` are those of its entry in the programme map. */
export const kindOf = (streamType: number, descriptorTags: readonly number[]): StreamKind => {
  if (videoTypes.has(streamType)) return 'video';
  if (audioTypes.has(streamType)) return 'audio';
  if (streamType === STREAM_TYPE_PRIVATE && descriptorTags.some((tag) => audioDescriptors.has(tag)))
    return 'audio';
  return 'other';
};
