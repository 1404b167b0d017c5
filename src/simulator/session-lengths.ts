/**
 * Durations of 11,544 real live sessions (arXiv 2510.24769): minutes at P25/50/75/95. Between them the logarithm is
 * interpolated; beyond them it goes on with the slope of the neighbouring piece, from ten minutes to two weeks.
 */
const KNOWN: readonly (readonly [level: number, minutes: number])[] = [
  [0.25, 327],
  [0.5, 629],
  [0.75, 1104],
  [0.95, 4656],
];
const SHORTEST_MINUTES = 10;
const LONGEST_MINUTES = 14 * 24 * 60;

/** Length of a live session at a level in [0, 1] of their distribution, minutes. */
export const sessionMinutesAt = (level: number): number => {
  const after = KNOWN.findIndex(([known]) => level <= known);
  const right = Math.max(1, after === -1 ? KNOWN.length - 1 : after);
  const [lowLevel, lowMinutes] = KNOWN[right - 1] as readonly [number, number];
  const [highLevel, highMinutes] = KNOWN[right] as readonly [number, number];
  const share = (level - lowLevel) / (highLevel - lowLevel);
  const minutes = lowMinutes * (highMinutes / lowMinutes) ** share;
  return Math.min(LONGEST_MINUTES, Math.max(SHORTEST_MINUTES, minutes));
};
