import type { CellForecast, Fitness, Plan, Policy, SwarmSnapshot } from '../domain';
import { createPlanner, type PlannerMemory } from './planner';

/**
 * Decides one control cycle. Pure: the same input gives the same plan, and the order of its arrays does not matter.
 *
 * In this order:
 * 1. channels that nobody encodes get room reserved (the recovery moves them, not the plan);
 * 2. channels leave draining encoders, and encoders that their pins or redundancy group forbid;
 * 3. encoders whose channels will need more than their limit at P90 are relieved by the fewest moves;
 * 4. the moves are put in an order in which no encoder is over its limit at any time;
 * 5. ladders follow the audience;
 * 6. encoders are added when demand exceeds the limits, or one is released when it has long been low.
 *
 * A target is always reachable, neither cordoned nor draining, where the channel's region, pins, compatibility
 * class and redundancy group allow it, has a session left, and stays under its limit with the channel. At most
 * `maxMovesPerCycle` moves, and `maxMovesPerEncoder` of these on any one encoder, drains not counted. Channels
 * that are moving are left alone, and one that rests after a move only leaves an encoder that is being drained.
 *
 * @param forecast null when there is none: then only present needs count
 * @param memory what the previous cycle's plan handed on
 */
export const makePlan = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
  memory: PlannerMemory,
): Plan => createPlanner(snapshot, forecast, fitness, policy).plan(memory);
