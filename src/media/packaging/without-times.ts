import { boxesIn } from './boxes';

/** Boxes that hold boxes, on the way to those with times. */
const CONTAINERS = new Set(['moov', 'trak', 'mdia']);
/** Full boxes that begin with creation_time and modification_time (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2). */
const WITH_TIMES = new Set(['mvhd', 'tkhd', 'mdhd']);
const VERSION_AND_FLAGS_BYTES = 4;

/**
 * Sets the times of creation in a header of MP4 to 0, in place: the muxer takes them from the clock, and a header must
 * be the same whoever makes it, whenever.
 */
export const withoutTimes = <T extends Uint8Array>(init: T): T => {
  for (const { type, content } of boxesIn(init, CONTAINERS)) {
    if (!WITH_TIMES.has(type)) continue;
    const times = content + VERSION_AND_FLAGS_BYTES;
    init.fill(0, times, times + (init[content] === 1 ? 16 : 8));
  }
  return init;
};
