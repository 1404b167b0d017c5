import { boxesIn } from './boxes';

const CONTAINERS = new Set(['moof']);
const VERSION_AND_FLAGS_BYTES = 4;

/** Sets the number of a fragment in place: each is made by itself, and the muxer begins with 1. */
export const withSequenceNumber = <T extends Uint8Array>(media: T, sequenceNumber: number): T => {
  const view = new DataView(media.buffer, media.byteOffset, media.byteLength);
  for (const { type, content } of boxesIn(media, CONTAINERS))
    if (type === 'mfhd') view.setUint32(content + VERSION_AND_FLAGS_BYTES, sequenceNumber >>> 0);
  return media;
};
