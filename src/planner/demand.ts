import { ladderUnits, rungsFor, type ChannelObservation, type ChannelSpec } from '../domain';

/** A rung is given up only when the audience has fallen this far below what earned it. */
const DESCENT_FRACTION = 0.9;

export const unitsOfRungs = (spec: ChannelSpec, rungs: number): number =>
  ladderUnits(spec.ladder.slice(0, rungs), spec.framesPerSecond);

/**
 * Rungs that a channel should have: as many as its audience earns; fewer than now only when the audience is
 * clearly (10 %) below the threshold, so that one that hovers around it causes no handoff a minute.
 */
export const deservedRungs = (channel: Pick<ChannelObservation, 'spec' | 'viewers' | 'rungs'>): number => {
  const earned = rungsFor(channel.spec, channel.viewers);
  if (earned >= channel.rungs) return earned;
  return Math.min(channel.rungs, rungsFor(channel.spec, channel.viewers / DESCENT_FRACTION));
};
