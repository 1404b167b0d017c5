import { crcOf } from './tables';
import { WRAP_TICKS, wrapTicks } from './timestamps';

/** table_id of a splice_info_section, SCTE 35 §9.6. */
const SPLICE_INFO = 0xfc;
/** Section header, protocol version, pts_adjustment of 33 bits; the CRC ends the section. */
const LEAST_SECTION_BYTES = 20;

/**
 * Adds `delta` to the pts_adjustment of a SCTE-35 message, which every time in it is meant to be added to (SCTE 35
 * §9.6.1), so that its splice stays at the same picture. Does nothing unless a whole, intact message stands there.
 * @param payload where the packet's payload begins: at the pointer field
 */
export const retimeSplice = (b: Buffer, payload: number, end: number, delta: number): void => {
  const at = payload + 1 + (b[payload] ?? 0);
  if (at + LEAST_SECTION_BYTES > end || b[at] !== SPLICE_INFO || b[at + 3] !== 0) return;
  const sectionEnd = at + 3 + (((b[at + 1]! & 0x0f) << 8) | b[at + 2]!);
  if (sectionEnd > end || crcOf(b.subarray(at, sectionEnd)) !== 0) return;
  const adjustment = (b[at + 4]! & 1) * 2 ** 32 + b.readUInt32BE(at + 5);
  const moved = wrapTicks(adjustment + delta);
  b[at + 4] = (b[at + 4]! & 0xfe) | (moved >= WRAP_TICKS / 2 ? 1 : 0);
  b.writeUInt32BE(moved % 2 ** 32, at + 5);
  b.writeUInt32BE(crcOf(b.subarray(at, sectionEnd - 4)), sectionEnd - 4);
};
