import type { ChannelSpec } from './channel';

/** Number of rungs of a channel that an audience of this size deserves; at least 1. */
export const rungsFor = (spec: Pick<ChannelSpec, 'ladder' | 'viewersPerRung'>, viewers: number): number => {
  let earned = 0;
  for (const threshold of spec.viewersPerRung) if (viewers >= threshold) earned += 1;
  return Math.min(spec.ladder.length, 1 + earned);
};

/** Rungs that are on air whatever the audience. */
export const alwaysOnRungs = (spec: Pick<ChannelSpec, 'ladder' | 'viewersPerRung'>): number =>
  rungsFor(spec, 0);
