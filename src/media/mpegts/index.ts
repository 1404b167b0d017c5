export { elementaryBytesOf, elementaryStreamOf } from './elementary-stream';
export { MalformedTransportStream } from './malformed';
export {
  NULL_PACKET,
  PACKET_BYTES,
  PAT_PID,
  SYNC_BYTE,
  hasPayload,
  isScrambled,
  payloadOffset,
  pidOf,
  setPid,
  startsUnit,
} from './packet';
export { isPesStart, pesOf, readDts } from './pes-header';
export {
  packetsOfMap,
  packetsOfSection,
  parseTables,
  writeTables,
  type ProgrammeTables,
} from './programme-map';
export { readCutMark, writeCutMark, type CutMark } from './cut-mark';
export { moveSplice } from './splice';
export {
  parseSplice,
  sectionsOf,
  spliceInsertSection,
  type Segmentation,
  type SpliceMessage,
} from './splice-message';
export { SectionAssembler, parseProgrammeMap, parseProgrammes, type MapEntry } from './tables';
export {
  TransportStreamReader,
  type TransportStreamHandlers,
  type TransportStreamReaderOptions,
} from './reader';
export { retimePackets } from './retime';
export {
  cutPlace,
  inspectSegment,
  ptsLedgerHash,
  tablesOf,
  type SegmentContents,
  type SoundStream,
} from './segment';
export { WRAP_TICKS, unwrapTicks, wrapTicks } from './timestamps';
export type { PesUnit } from './unit-assembler';
export type { StreamKind } from './stream-types';
export {
  STREAM_TYPE_H264,
  STREAM_TYPE_HEVC,
  STREAM_TYPE_METADATA,
  STREAM_TYPE_MPEG1_VIDEO,
  STREAM_TYPE_MPEG2_VIDEO,
  STREAM_TYPE_SCTE_35,
  isVideoType,
} from './stream-types';
