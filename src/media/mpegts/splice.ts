import { PACKET_BYTES, hasPayload, payloadOffset, pidOf } from './packet';
import { crcOf } from './tables';
import { WRAP_TICKS, wrapTicks } from './timestamps';

/** table_id of a splice_info_section, SCTE 35 §9.6. */
const SPLICE_INFO = 0xfc;
/** Section header, protocol version, pts_adjustment of 33 bits; the CRC ends the section. */
const LEAST_SECTION_BYTES = 20;
const LENGTH_BYTES = 3;

/**
 * Adds `delta` ticks to the pts_adjustment of a SCTE-35 message, in place. Every time in it is meant to be added to that
 * (SCTE 35 §9.6.1), so that its splice stays at the same picture.
 * @param section one whole section
 * @returns false, with nothing changed, unless it is an intact message
 */
export const moveSplice = (section: Buffer, delta: number): boolean => {
  const end = section.length;
  if (end < LEAST_SECTION_BYTES || section[0] !== SPLICE_INFO || section[LENGTH_BYTES] !== 0) return false;
  if (crcOf(section) !== 0) return false;
  const adjustment = (section[4]! & 1) * 2 ** 32 + section.readUInt32BE(5);
  const moved = wrapTicks(adjustment + delta);
  section[4] = (section[4]! & 0xfe) | (moved >= WRAP_TICKS / 2 ? 1 : 0);
  section.writeUInt32BE(moved % 2 ** 32, 5);
  section.writeUInt32BE(crcOf(section.subarray(0, end - 4)), end - 4);
  return true;
};

/**
 * Moves the SCTE-35 messages that begin in a packet, also where they end in later packets of its PID. Does nothing to
 * other sections, nor to one that is damaged or cut short.
 * @param at the packet
 */
export const retimeSplice = (packets: Buffer, at: number, delta: number): void => {
  const payload = at + payloadOffset(packets, at);
  let section = payload + 1 + (packets[payload] ?? 0);
  while (section + LENGTH_BYTES <= at + PACKET_BYTES && packets[section] === SPLICE_INFO) {
    const bytes = LENGTH_BYTES + (((packets[section + 1]! & 0x0f) << 8) | packets[section + 2]!);
    const parts = partsOf(packets, at, section, bytes);
    const whole = Buffer.concat(parts);
    if (whole.length === bytes && moveSplice(whole, delta)) {
      let copied = 0;
      for (const part of parts) copied += whole.copy(part, 0, copied, copied + part.length);
    }
    section += bytes;
  }
};

/** The bytes of a section where they stand, from `from` in the packet at `at` on through those of the same PID. */
const partsOf = (packets: Buffer, at: number, from: number, bytes: number): Buffer[] => {
  const pid = pidOf(packets, at);
  const parts: Buffer[] = [];
  let missing = bytes;
  let start = from;
  for (let packet = at; missing > 0 && packet + PACKET_BYTES <= packets.length; packet += PACKET_BYTES) {
    if (pidOf(packets, packet) !== pid || !hasPayload(packets, packet)) continue;
    if (packet !== at) start = packet + payloadOffset(packets, packet);
    const part = packets.subarray(start, Math.min(packet + PACKET_BYTES, start + missing));
    parts.push(part);
    missing -= part.length;
  }
  return parts;
};
