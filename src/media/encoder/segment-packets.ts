import { PACKET_BYTES, pidOf } from '../mpegts';
import type { PassedUnit } from './feed-demuxer';

/** ISO/IEC 13818-1 §2.4.3.5: discontinuity_indicator. */
const DISCONTINUITY = 0x80;
const COUNTER = 0x0f;

/** Continuity counters of the tables' packets: by GOP, so that they also run on across a change of encoder. */
export const stampContinuity = (tables: Buffer, gop: number): Buffer => {
  const copy = Buffer.from(tables);
  const byPid = new Map<number, number[]>();
  for (let at = 0; at < copy.length; at += PACKET_BYTES) {
    const pid = pidOf(copy, at);
    byPid.set(pid, [...(byPid.get(pid) ?? []), at]);
  }
  for (const places of byPid.values())
    places.forEach((at, index) => {
      const counter = (gop * places.length + index) & COUNTER;
      copy[at + 3] = (copy[at + 3]! & ~COUNTER) | counter;
    });
  return copy;
};

/**
 * Says that the continuity counter of a segment's first picture may not follow the one before: that one may come from
 * another session. Without it strict players drop the picture. Set on every segment, so that what is published does not
 * depend on where sessions change.
 */
export const markDiscontinuity = (packets: Buffer): void => {
  const hasAdaptationField = (packets[3]! & 0x20) !== 0 && packets[4]! > 0;
  if (hasAdaptationField) packets[5]! |= DISCONTINUITY;
};

/**
 * Says the same in front of the first unit of a track that goes round the encoder: another contribution may have counted
 * otherwise. A packet of its own, without payload, since the unit may have no adaptation field to say it in.
 */
export const discontinuityPacket = ({ pid, packets }: PassedUnit): Buffer => {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  const counter = ((packets[3]! & COUNTER) - 1) & COUNTER;
  packet.set([0x47, pid >> 8, pid & 0xff, 0x20 | counter, PACKET_BYTES - 5, DISCONTINUITY]);
  return packet;
};
