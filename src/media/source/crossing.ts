import { unwrapTicks, wrapTicks } from '../mpegts';

/**
 * Where another input goes on in place of the one that was on air. The relay wants the pictures from the start of its next
 * GOP on, on the clock of the one before. Two inputs of the same programme with the same times of the sender go on at the
 * same picture. Else the other one goes on with what came at the same moment.
 */

/** A keyframe that an input keeps. */
export interface Keyframe {
  group: number;
  /** As it is sent, unwrapped. */
  ptsTicks: number;
  /** On the clock of the sender. */
  sourceTicks: number;
  passedMs: number;
  /** It repeats a picture, as none came: nobody is to get it in place of the programme. */
  isStandIn?: boolean;
}

export interface Side {
  keyframes: readonly Keyframe[];
  /** Its times are the sender's own. */
  keepsClock: boolean;
}

export interface Crossing {
  /** The group with which the other input goes on. */
  group: number;
  /** Pictures of the programme that nobody gets; null where the two are not the same to the picture. */
  framesMissing: number | null;
  /** By how much what comes is later than what would have come at that place, in milliseconds. */
  laterMs: number;
}

/** Keyframes of one programme have the same times but for rounding. */
const SAME_TICKS = 2;
/** What comes of the same picture by two ways is not farther apart. */
const APART_MS = 10_000;
const TICKS_PER_MS = 90;

/** Signed distance of two times of 33 bits. */
const distance = (from: number, to: number): number => unwrapTicks(wrapTicks(to), from) - from;

/** Whether two inputs have brought keyframes at the same times of the sender, at about the same moment. */
export const areAligned = (a: Side, b: Side): boolean =>
  a.keepsClock &&
  b.keepsClock &&
  a.keyframes.some((one) =>
    b.keyframes.some(
      (other) =>
        Math.abs(distance(one.sourceTicks, other.sourceTicks)) <= SAME_TICKS &&
        Math.abs(one.passedMs - other.passedMs) < APART_MS,
    ),
  );

/** The time of `resumeTicks`, of which an input has passed on what is near it. */
const placeOf = (resumeTicks: number, { keyframes }: Side): { sourceTicks: number; atMs: number } | null => {
  const last = keyframes.findLast(({ ptsTicks }) => distance(ptsTicks, resumeTicks) >= 0) ?? keyframes[0];
  if (!last) return null;
  const ahead = distance(last.ptsTicks, resumeTicks);
  return { sourceTicks: last.sourceTicks + ahead, atMs: last.passedMs + ahead / TICKS_PER_MS };
};

const inStep = (sourceTicks: number, atMs: number, to: Side, frameTicks: number): Crossing | undefined => {
  const ahead = (frame: Keyframe): number => distance(sourceTicks, frame.sourceTicks);
  const next = to.keyframes.find((frame) => ahead(frame) >= -frameTicks / 2);
  if (next) {
    const framesMissing = Math.max(0, Math.round(ahead(next) / frameTicks));
    return { group: next.group, framesMissing, laterMs: ahead(next) / TICKS_PER_MS };
  }
  // It comes later than the other one did: its next keyframe is waited for.
  const newest = to.keyframes.at(-1);
  if (!newest || Math.abs(newest.passedMs - atMs) > APART_MS) return undefined;
  return { group: newest.group + 1, framesMissing: 0, laterMs: 0 };
};

const withoutStandIns = (side: Side): Side => ({
  keepsClock: side.keepsClock,
  keyframes: side.keyframes.filter(({ isStandIn }) => !isStandIn),
});

/**
 * @param resumeTicks where the relay's next GOP begins, as `from` was sent; null: it can't say
 * @param from the input that was on air; null: there was none
 * @param frameTicks length of a picture of the channel
 * @param debtMs by how much what is on air is later than it was at first, which is made up for where that is possible
 */
export const crossingTo = (
  other: Side,
  from: Side | null,
  resumeTicks: number | null,
  { frameTicks, debtMs }: { frameTicks: number; debtMs: number },
): Crossing => {
  const to = withoutStandIns(other);
  const newest = to.keyframes.at(-1)?.group ?? 0;
  const place = from && resumeTicks !== null ? placeOf(resumeTicks, from) : null;
  if (!from || !place) return { group: newest, framesMissing: null, laterMs: 0 };
  if (areAligned(withoutStandIns(from), to)) {
    const exact = inStep(place.sourceTicks, place.atMs, to, frameTicks);
    if (exact) return exact;
  }
  const laterBy = ({ passedMs }: Keyframe): number => passedMs - place.atMs;
  const off = (frame: Keyframe): number => Math.abs(laterBy(frame) + debtMs);
  const nearest = to.keyframes.reduce<Keyframe | null>(
    (best, frame) => (best === null || off(frame) < off(best) ? frame : best),
    null,
  );
  return nearest
    ? { group: nearest.group, framesMissing: null, laterMs: laterBy(nearest) }
    : { group: newest, framesMissing: null, laterMs: 0 };
};
