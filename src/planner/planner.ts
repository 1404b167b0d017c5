import type { CellForecast, Fitness, Plan, Policy, SwarmChange, SwarmSnapshot } from '../domain';
import { buildContext } from './context';
import { PlanDraft } from './draft';
import { planDrains } from './drain';
import { planLadders } from './ladders';
import { rearrange, rearrangeRest } from './rearrange';
import { regionOutlooks } from './regions';
import { planPartialRelief, planRelief } from './relief';
import { planRepairs } from './repairs';
import { planScaleIn, planScaleOut } from './scale';
import { schedule } from './schedule';
import { SwarmTracker } from './swarm-tracker';
import { reportUnplaced, reportPostponed, reportUnmet } from './unmet';
import { reserveForWaiting } from './waiting';

/** What one cycle's plan hands on to the next. */
export interface PlannerMemory {
  lowDemandSinceMs: number | null;
}

/**
 * A planner that keeps its placement table between cycles. After any changes its plan is exactly the one that `makePlan`
 * makes of the whole snapshot. A new forecast or another policy needs a new planner.
 */
export interface Planner {
  /** Enters what changed since the last look: channels, encoders, time, and the fitness of encoders. */
  update(change: SwarmChange & { fitness?: readonly Fitness[] }): void;
  plan(memory: PlannerMemory): Plan;
}

/** @param forecast null when there is none: then only present needs count */
export const createPlanner = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
): Planner => {
  const tracker = new SwarmTracker(forecast, policy);
  const fitnessById = new Map(fitness.map((f) => [f.encoderId, f]));
  tracker.read(snapshot);
  return {
    update: (change) => {
      for (const id of change.removedEncoders ?? []) fitnessById.delete(id);
      for (const f of change.fitness ?? []) fitnessById.set(f.encoderId, f);
      tracker.read(change);
    },
    plan: (memory) => {
      const unchanged = tracker.table.mark();
      try {
        return planWith(new PlanDraft(buildContext(tracker, fitnessById, policy)), memory);
      } finally {
        tracker.table.rollBack(unchanged);
      }
    },
  };
};

const planWith = (draft: PlanDraft, memory: PlannerMemory): Plan => {
  const { table } = draft.context;
  reportUnplaced(draft, reserveForWaiting(draft));
  const start = table.mark();
  planDrains(draft);
  planRepairs(draft);
  planRelief(draft);
  rearrange(draft, start);
  planPartialRelief(draft);
  rearrangeRest(draft);
  const reported = reportUnmet(draft);
  schedule(draft, start);
  reportPostponed(draft, reported);
  planLadders(draft);
  const scaleOut = planScaleOut(draft);
  const scaling =
    scaleOut.kind === 'none'
      ? planScaleIn(draft, memory.lowDemandSinceMs)
      : { scale: scaleOut, lowDemandSinceMs: null };
  const { forecast, atMs, policy } = draft.context;
  const regions = regionOutlooks(forecast, atMs, policy);
  return { moves: draft.moves, unmet: draft.unmet, ...(regions.length > 0 && { regions }), ...scaling };
};
