import {
  ADAPTATION_OPCR,
  ADAPTATION_PCR,
  PACKET_BYTES,
  SYNC_BYTE,
  adaptationFlags,
  hasPayload,
  payloadOffset,
  startsUnit,
} from './packet';
import { dtsFieldOffset, isPesStart, ptsFieldOffset } from './pes-header';
import { retimeSplice } from './splice';
import { readPcrBase, readTimestamp, wrapTicks, writePcrBase, writeTimestamp } from './timestamps';

const shiftTimestamp = (b: Buffer, at: number, delta: number): void =>
  writeTimestamp(b, at, wrapTicks(readTimestamp(b, at) + delta));

const shiftClock = (b: Buffer, at: number, delta: number): void =>
  writePcrBase(b, at, wrapTicks(readPcrBase(b, at) + delta));

/**
 * Adds `deltaTicks` (1/90000 s, may be negative) to every PTS, DTS, PCR and OPCR, and to the time of every SCTE-35
 * message, in place, modulo 2^33. `packets` holds whole 188-byte packets; tables among them are left alone.
 * `ptsDeltaTicks`: what is added to every PTS instead.
 */
export const retimePackets = (packets: Buffer, deltaTicks: number, ptsDeltaTicks = deltaTicks): void => {
  const delta = wrapTicks(deltaTicks);
  const ptsDelta = wrapTicks(ptsDeltaTicks);
  if (delta === 0 && ptsDelta === 0) return;
  for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
    if (packets[at] !== SYNC_BYTE) continue;
    const flags = adaptationFlags(packets, at);
    const clockFields = flags & (ADAPTATION_PCR | ADAPTATION_OPCR);
    if (clockFields !== 0) {
      const fieldsEnd = 6 + (clockFields === (ADAPTATION_PCR | ADAPTATION_OPCR) ? 12 : 6);
      if (fieldsEnd <= Math.min(payloadOffset(packets, at), PACKET_BYTES)) {
        shiftClock(packets, at + 6, delta);
        if (fieldsEnd === 18) shiftClock(packets, at + 12, delta);
      }
    }
    if (!startsUnit(packets, at) || !hasPayload(packets, at)) continue;
    const pes = at + payloadOffset(packets, at);
    const end = at + PACKET_BYTES;
    if (!isPesStart(packets, pes, end)) {
      retimeSplice(packets, at, delta);
      continue;
    }
    const pts = ptsFieldOffset(packets, pes, end);
    const dts = dtsFieldOffset(packets, pes, end);
    if (pts >= 0) shiftTimestamp(packets, pts, ptsDelta);
    if (dts >= 0) shiftTimestamp(packets, dts, delta);
  }
};
