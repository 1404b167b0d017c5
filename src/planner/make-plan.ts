import type { CellForecast, Fitness, Plan, Policy, SwarmSnapshot } from '../domain';
import { buildContext } from './context';
import { planDrains } from './drain';
import { PlanDraft } from './draft';
import { planLadders } from './ladders';
import { planRelief } from './relief';
import { planScaleIn, planScaleOut } from './scale';
import { formatUnits } from './targets';
import { reserveForWaiting } from './waiting';

/**
 * Decides one control cycle: the rule of the concept note with limits. Pure: the same input gives the same plan,
 * and the order of its arrays does not matter.
 *
 * In this order, each step on the loads that the one before leaves behind:
 * 1. channels that nobody encodes get room reserved (the recovery moves them, not the plan);
 * 2. channels leave draining encoders;
 * 3. encoders whose channels will need more than their limit at P90 are relieved;
 * 4. ladders follow the audience;
 * 5. encoders are added when demand exceeds the limits, or one is let go when it has long been low.
 *
 * A target is always reachable, neither cordoned nor draining, in the channel's region, has a session left, and
 * stays under its limit with the channel. At most `maxMovesPerCycle` moves, drains not counted. Channels that
 * are moving are left alone; one that rests moves only if an overload begins before its rest ends.
 *
 * @param forecast null when there is none: then only present needs count
 * @param memory what the previous cycle's plan handed on
 */
export const makePlan = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: Fitness[],
  policy: Policy,
  memory: { lowDemandSinceMs: number | null },
): Plan => {
  const draft = new PlanDraft(buildContext(snapshot, forecast, fitness, policy));
  for (const demand of reserveForWaiting(draft.context)) {
    draft.homelessUnits += demand.peakUnits;
    draft.unmet.push({
      channelId: demand.channelId,
      why: `nobody encodes ${demand.channelId}, and no encoder has room for its ${formatUnits(demand.peakUnits)} units at P90 below its limit`,
    });
  }
  planDrains(draft);
  planRelief(draft);
  planLadders(draft);
  const scaleOut = planScaleOut(draft);
  const scaleIn =
    scaleOut.kind === 'none'
      ? planScaleIn(draft, memory.lowDemandSinceMs)
      : { scale: scaleOut, lowDemandSinceMs: null };
  return { moves: draft.moves, unmet: draft.unmet, ...scaleIn };
};
