import { TransportStreamReader } from '../../../src/media/mpegts';
import type { EncodedGop } from './segments';

/** Partial segments of GOPs that were encoded without B-frames. */
export const PART_FRAMES = 12;
export const FRAME_TICKS = 3_600;

/** The bytes of a segment in front of each part, and behind the last one. */
const boundsOf = ({ segment }: EncodedGop): number[] => {
  const bounds = [0];
  let at = 0;
  let pictures = 0;
  let tables = 0;
  const reader = new TransportStreamReader({
    onTables: (packets) => (tables = packets.length),
    onUnit: ({ packets }) => {
      if (pictures > 0 && pictures % PART_FRAMES === 0) bounds.push(tables + at);
      at += packets.length;
      pictures += 1;
    },
  });
  reader.push(segment);
  reader.flush();
  return [...bounds, segment.length];
};

export const partOf = (gop: EncodedGop, index: number): Buffer => {
  const bounds = boundsOf(gop);
  return gop.segment.subarray(bounds[index], bounds[index + 1]);
};
