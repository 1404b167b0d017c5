export { elementaryStreamOf } from './elementary-stream';
export { MalformedTransportStream } from './malformed';
export { PACKET_BYTES, pidOf, hasPayload } from './packet';
export { parseTables, writeTables, type ProgrammeTables } from './programme-map';
export type { MapEntry } from './tables';
export {
  TransportStreamReader,
  type TransportStreamHandlers,
  type TransportStreamReaderOptions,
} from './reader';
export { retimePackets } from './retime';
export { inspectSegment, ptsLedgerHash, type SegmentContents } from './segment';
export { WRAP_TICKS, unwrapTicks, wrapTicks } from './timestamps';
export type { PesUnit } from './unit-assembler';
export type { StreamKind } from './stream-types';
export { STREAM_TYPE_H264, STREAM_TYPE_HEVC, isVideoType } from './stream-types';
