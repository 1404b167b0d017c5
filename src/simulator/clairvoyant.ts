import type { Policy } from '../domain';
import type { Demand, World } from './world';

/**
 * Fewest encoders that could carry the true demand of each cycle without one over its limit: the total divided by the
 * limit, rounded up, within floor and ceiling. A lower bound, not a run: it pays no boot time, packs without waste and
 * repacks in every cycle at no cost.
 */
export const clairvoyantEncoders = (demand: Demand, limitUnits: number, limits: Policy): number[] =>
  Array.from(demand.totalUnits, (units) =>
    Math.min(limits.maxEncoders, Math.max(limits.minEncoders, Math.ceil(units / limitUnits - 1e-9))),
  );

/** Encoder-hours of the bound from a cycle on. */
export const clairvoyantHours = (
  world: World,
  demand: Demand,
  limitUnits: number,
  limits: Policy,
  fromCycle: number,
): number =>
  clairvoyantEncoders(demand, limitUnits, limits)
    .slice(fromCycle)
    .reduce((sum, encoders) => sum + (encoders * world.cycleSeconds) / 3_600, 0);
