import { PACKET_BYTES, hasPayload, payloadOffset } from './packet';
import { pesPayloadOffset } from './pes-header';
import type { PesUnit } from './unit-assembler';

/** The bytes of the elementary stream in a PES unit, without packet and PES headers. */
export const elementaryStreamOf = (unit: Pick<PesUnit, 'packets'>): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at < unit.packets.length; at += PACKET_BYTES) {
    if (!hasPayload(unit.packets, at)) continue;
    const payload = at + payloadOffset(unit.packets, at);
    const from = parts.length === 0 ? pesPayloadOffset(unit.packets, payload) : payload;
    parts.push(unit.packets.subarray(from, at + PACKET_BYTES));
  }
  return Buffer.concat(parts);
};

/** How many bytes that is. */
export const elementaryBytesOf = (unit: Pick<PesUnit, 'packets'>): number => {
  let bytes = 0;
  let begun = false;
  for (let at = 0; at < unit.packets.length; at += PACKET_BYTES) {
    if (!hasPayload(unit.packets, at)) continue;
    const payload = at + payloadOffset(unit.packets, at);
    bytes += at + PACKET_BYTES - (begun ? payload : pesPayloadOffset(unit.packets, payload));
    begun = true;
  }
  return bytes;
};
