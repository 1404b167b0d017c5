import { readTimestamp, writeTimestamp } from './timestamps';

/** Stream ids whose PES packets have no optional header, thus no time stamps (ISO/IEC 13818-1 table 2-21). */
const withoutHeader = new Set([0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff]);

/** True if a PES packet with an optional header begins at `at`; `end` bounds the bytes at hand. */
export const isPesStart = (b: Uint8Array, at: number, end: number): boolean =>
  at + 9 <= end &&
  b[at] === 0 &&
  b[at + 1] === 0 &&
  b[at + 2] === 1 &&
  !withoutHeader.has(b[at + 3]!) &&
  (b[at + 6]! & 0xc0) === 0x80;

/** PES_packet_length: bytes after the length field; 0 means that the length is not known. */
export const pesPacketLength = (b: Uint8Array, at: number): number => (b[at + 4]! << 8) | b[at + 5]!;

/** Offset of the PTS field, or -1 where the packet has none or it is not within the bytes at hand. */
export const ptsFieldOffset = (b: Uint8Array, at: number, end: number): number =>
  b[at + 7]! & 0x80 && b[at + 8]! >= 5 && at + 14 <= end ? at + 9 : -1;

/** Offset of the DTS field, or -1. */
export const dtsFieldOffset = (b: Uint8Array, at: number, end: number): number =>
  (b[at + 7]! & 0xc0) === 0xc0 && b[at + 8]! >= 10 && at + 19 <= end ? at + 14 : -1;

/** PTS, or -1 where there is none. */
export const readPts = (b: Uint8Array, at: number, end: number): number => {
  const field = ptsFieldOffset(b, at, end);
  return field < 0 ? -1 : readTimestamp(b, field);
};

/** DTS; the PTS where there is no DTS of its own. */
export const readDts = (b: Uint8Array, at: number, end: number): number => {
  const field = dtsFieldOffset(b, at, end);
  return field < 0 ? readPts(b, at, end) : readTimestamp(b, field);
};

/** Offset of the elementary stream's first byte. */
export const pesPayloadOffset = (b: Uint8Array, at: number): number => at + 9 + b[at + 8]!;

const PRIVATE_STREAM_1 = 0xbd;
const HEADER_WITH_PTS_BYTES = 14;

/** A PES packet of private data. @param content at most 65,000 bytes */
export const pesOf = (content: Buffer, ptsTicks: number): Buffer => {
  const header = Buffer.alloc(HEADER_WITH_PTS_BYTES);
  header.set([0, 0, 1, PRIVATE_STREAM_1, 0, 0, 0x84, 0x80, 5, 0x21, 0, 1, 0, 1]);
  header.writeUInt16BE(HEADER_WITH_PTS_BYTES - 6 + content.length, 4);
  writeTimestamp(header, 9, ptsTicks);
  return Buffer.concat([header, content]);
};
