import type { SoundFact } from './stream-facts';

/** How what was published differs from what was sent. */
export interface Difference {
  checked: number;
  lost: number;
  repeated: number;
}

export interface SoundDifference extends Difference {
  /** Largest change of a unit's time against the pictures', in ms. */
  offsetChangeMs: number;
}

/**
 * Sound of one track, unit by unit: all that was sent between the first unit published and `untilTicks` has to be there,
 * once, with the same bytes and at the same time. Counted in samples of each channel, or in what `weightOf` says.
 */
export const compareSound = (
  sent: readonly SoundFact[],
  published: readonly SoundFact[],
  untilTicks: number,
  weightOf: (unit: SoundFact) => number = ({ samples }) => samples ?? 0,
): SoundDifference => {
  const places = new Map<string, number[]>();
  sent.forEach(({ sha256 }, at) => places.set(sha256, [...(places.get(sha256) ?? []), at]));
  /** A loop brings the same bytes again: the one nearest in time is meant. */
  const placeOf = (unit: SoundFact): number | undefined => {
    const distance = (at: number): number => Math.abs(sent[at]!.ptsTicks - unit.ptsTicks);
    return places.get(unit.sha256)?.reduce((best, at) => (distance(at) < distance(best) ? at : best));
  };
  const weigh = (units: readonly SoundFact[]): number => units.reduce((sum, unit) => sum + weightOf(unit), 0);
  const result = { checked: weigh(published), lost: 0, repeated: 0, offsetChangeMs: 0 };
  let next = published[0] === undefined ? 0 : placeOf(published[0]);
  for (const unit of published) {
    const place = placeOf(unit);
    if (place === undefined || next === undefined || place < next) {
      result.repeated += weigh([unit]);
      continue;
    }
    result.lost += weigh(sent.slice(next, place));
    const changeMs = Math.abs(unit.ptsTicks - sent[place]!.ptsTicks) / 90;
    result.offsetChangeMs = Math.max(result.offsetChangeMs, changeMs);
    next = place + 1;
  }
  const due = sent.slice(next ?? 0).filter(({ ptsTicks }) => ptsTicks < untilTicks);
  result.lost += weigh(due);
  return result;
};
