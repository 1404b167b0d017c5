import type { PictureFact, SoundFact } from './segment-facts';

/** How what was published differs from what was sent. */
export interface Difference {
  checked: number;
  lost: number;
  repeated: number;
}

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

/** In samples of each channel of the sound. */
export interface SoundDifference extends Difference {
  /** Largest change of a unit's time against the pictures', in ms. */
  offsetChangeMs: number;
}

/**
 * Sound of one track, unit by unit: all that was sent between the first unit published and `untilTicks` has to be there,
 * once, with the same bytes and at the same time.
 */
export const compareSound = (
  sent: readonly SoundFact[],
  published: readonly SoundFact[],
  untilTicks: number,
): SoundDifference => {
  const places = new Map<string, number[]>();
  sent.forEach(({ sha256 }, at) => places.set(sha256, [...(places.get(sha256) ?? []), at]));
  /** A loop brings the same bytes again: the one nearest in time is meant. */
  const placeOf = (unit: SoundFact): number | undefined => {
    const distance = (at: number): number => Math.abs(sent[at]!.ptsTicks - unit.ptsTicks);
    return places.get(unit.sha256)?.reduce((best, at) => (distance(at) < distance(best) ? at : best));
  };
  const samplesOf = (units: readonly SoundFact[]): number =>
    units.reduce((sum, unit) => sum + (unit.samples ?? 0), 0);
  const result = { checked: samplesOf(published), lost: 0, repeated: 0, offsetChangeMs: 0 };
  let next = published[0] === undefined ? 0 : placeOf(published[0]);
  for (const unit of published) {
    const place = placeOf(unit);
    if (place === undefined || next === undefined || place < next) {
      result.repeated += samplesOf([unit]);
      continue;
    }
    result.lost += samplesOf(sent.slice(next, place));
    const changeMs = Math.abs(unit.ptsTicks - sent[place]!.ptsTicks) / 90;
    result.offsetChangeMs = Math.max(result.offsetChangeMs, changeMs);
    next = place + 1;
  }
  const due = sent.slice(next ?? 0).filter(({ ptsTicks }) => ptsTicks < untilTicks);
  result.lost += samplesOf(due);
  return result;
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
