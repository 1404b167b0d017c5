/** What of a channel says how many of its rungs are on air: see ChannelSpec. */
interface Rungs {
  ladder: readonly unknown[];
  viewersPerRung: readonly number[];
}

/** Number of rungs of a channel that an audience of this size deserves; at least 1. */
export const rungsFor = (spec: Rungs, viewers: number): number => {
  let earned = 0;
  for (const threshold of spec.viewersPerRung) if (viewers >= threshold) earned += 1;
  return Math.min(spec.ladder.length, 1 + earned);
};

/** Rungs that are on air whatever the audience. */
export const alwaysOnRungs = (spec: Rungs): number => rungsFor(spec, 0);
