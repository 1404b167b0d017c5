import type { Difference, PictureFact } from '../../src/verify';

/** Pictures by their times: `sent` and `published` cover the same GOPs. */
export const comparePictures = (sent: readonly number[], published: readonly number[]): Difference => {
  const wanted = new Set(sent);
  const found = new Set(published);
  return {
    checked: published.length,
    lost: [...wanted].filter((ticks) => !found.has(ticks)).length,
    repeated: published.length - [...found].filter((ticks) => wanted.has(ticks)).length,
  };
};

/**
 * Pictures for which a decoder's buffer of `bufferBits` that fills at `bitsPerSecond` would not hold all bits in time
 * (the leaky bucket of ITU-T H.264, annex C), from 0.9 of it on, as x264 begins.
 */
export const bufferViolations = (
  pictures: readonly Pick<PictureFact, 'dtsTicks' | 'bytes'>[],
  { bitsPerSecond, bufferBits }: { bitsPerSecond: number; bufferBits: number },
): number => {
  let held = 0.9 * bufferBits;
  let violations = 0;
  pictures.forEach(({ dtsTicks, bytes }, index) => {
    const before = pictures[index - 1];
    const seconds = before ? (dtsTicks - before.dtsTicks) / 90_000 : 0;
    held = Math.min(bufferBits, held + seconds * bitsPerSecond) - 8 * bytes;
    if (held >= 0) return;
    violations += 1;
    held = 0;
  });
  return violations;
};
