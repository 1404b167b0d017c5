import { NULL_PID, PACKET_BYTES, SYNC_BYTE, pidOf } from './packet';

/**
 * How a feed tells where segments are cut within a GOP, ahead of the pictures: in a packet that every reader of a
 * transport stream passes over (ISO/IEC 13818-1 §2.4.3.3, PID 0x1fff). So a host that knows nothing of it just does not
 * cut.
 */
const MAGIC = Buffer.from('ESCUT1', 'latin1');
const HEADER_BYTES = 4;
const FIELD_BYTES = 8;
const FROM_AT = HEADER_BYTES + MAGIC.length + 1;
const MOST_CUTS = Math.floor((PACKET_BYTES - FROM_AT - FIELD_BYTES) / FIELD_BYTES);

/** All cuts at or after a channel time, which replace those told before. */
export interface CutMark {
  fromTicks: number;
  /** Channel times, ascending; a cut is at the first picture that is presented then or later. */
  cutTicks: number[];
}

/** One packet. Of more cuts than it holds, the first ones. */
export const writeCutMark = ({ fromTicks, cutTicks }: CutMark): Buffer => {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  packet.set([SYNC_BYTE, NULL_PID >> 8, NULL_PID & 0xff, 0x10]);
  MAGIC.copy(packet, HEADER_BYTES);
  const told = cutTicks.slice(0, MOST_CUTS);
  packet[FROM_AT - 1] = told.length;
  [fromTicks, ...told].forEach((ticks, i) =>
    packet.writeBigUInt64BE(BigInt(ticks), FROM_AT + FIELD_BYTES * i),
  );
  return packet;
};

/** Undefined if the packet is any other one. */
export const readCutMark = (packet: Buffer): CutMark | undefined => {
  const magic = packet.subarray(HEADER_BYTES, HEADER_BYTES + MAGIC.length);
  const count = packet[FROM_AT - 1] ?? Infinity;
  if (pidOf(packet, 0) !== NULL_PID || !magic.equals(MAGIC) || count > MOST_CUTS) return undefined;
  const fieldAt = (i: number): number => Number(packet.readBigUInt64BE(FROM_AT + FIELD_BYTES * i));
  return {
    fromTicks: fieldAt(0),
    cutTicks: Array.from({ length: count }, (_, i) => fieldAt(i + 1)),
  };
};
