import { TICKS_PER_SECOND } from '../domain';
import { unwrapTicks, wrapTicks } from '../media/mpegts';

/** The source clock of a channel: frame n stands at n * frameTicks, GOP g holds frames [g * F, (g + 1) * F). */
export interface FrameClock {
  /** Ticks of 1/90000 s from frame to frame; a fraction where 90000 can't be divided by the frame rate. */
  frameTicks: number;
  framesPerGop: number;
}

const mostCommon = (values: Iterable<number>): number | undefined => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
};

/**
 * Infers the clock from the segments: the usual distance between time stamps, and the usual EXTINF. A minority
 * of damaged segments does not move it.
 * @returns null when there is nothing to infer from
 */
export const inferFrameClock = (
  segments: readonly { durationSeconds: number; ptsTicks: readonly number[] }[],
): FrameClock | null => {
  const distances = segments
    .flatMap(({ ptsTicks }) =>
      ptsTicks.slice(1).map((pts, i) => unwrapTicks(pts, ptsTicks[i]!) - ptsTicks[i]!),
    )
    .filter((distance) => distance > 0);
  const usual = mostCommon(distances);
  const gopTicks = mostCommon(segments.map((s) => Math.round(s.durationSeconds * TICKS_PER_SECOND)));
  if (usual === undefined || gopTicks === undefined) return null;
  const framesPerGop = Math.round(gopTicks / usual);
  if (framesPerGop === 0) return null;
  // Distances that differ by one tick are a fraction, rounded: 24000/1001 frames/s is 3753.75 ticks.
  const rounded = distances.some((distance) => Math.abs(distance - usual) === 1);
  return { frameTicks: rounded ? gopTicks / framesPerGop : usual, framesPerGop };
};

/** Frame that stands nearest to an unwrapped time. */
export const frameAt = (ptsTicks: number, { frameTicks }: FrameClock): number =>
  Math.round(ptsTicks / frameTicks);

/** Whether a time stamp, modulo 2^33, is that of a frame: exactly, or rounded where the clock runs in fractions. */
export const isTimeOf = (frame: number, ptsTicks: number, { frameTicks }: FrameClock): boolean => {
  const exact = frame * frameTicks;
  const tolerance = Number.isInteger(frameTicks) ? 0.5 : 1;
  return Math.abs(unwrapTicks(wrapTicks(ptsTicks), Math.round(exact)) - exact) < tolerance;
};

/** Unwrapped time at which a GOP begins. */
export const gopStart = (gop: number, { frameTicks, framesPerGop }: FrameClock): number =>
  Math.round(gop * framesPerGop * frameTicks);
