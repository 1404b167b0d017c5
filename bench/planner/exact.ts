import type { Plan } from '../../src/domain';
import { FitnessEvaluator, fitnessOf } from '../../src/fitness';
import { createPlanner, makePlan } from '../../src/planner';
import { rounded } from '../lib/statistics';
import { ChangingFleet } from './changing-fleet';
import { overloadedInstance, spreadInstance } from './exact-instances';
import { ExactSolver, type Optimum } from './exact-mip';
import { EXACT_POLICY } from './exact-policy';
import type { Fleet } from './instances';
import { PlacementAudit } from './placement-audit';

/** Instances of one run get seeds far from those of its neighbours. */
const SEEDS_PER_RUN = 1_000_003;

export interface ExactSummary {
  instances: number;
  /** Instances for which a placement within all limits and constraints exists. */
  feasible: number;
  /** Of these, how many the plan brought within all limits and constraints. */
  goal1Equal: number;
  movesRatio: number;
  encodersRatio: number;
  movesTotal: number;
  movesOptimum: number;
  encodersTotal: number;
  encodersOptimum: number;
  /** Optima that the solver could not prove in its time: its bound stands for them. */
  unproven: number;
  faults: number;
  planMsMax: number;
  seed: number;
}

interface Relief {
  plan: Plan;
  isWithinLimits: boolean;
  faults: string[];
  optimum: Optimum;
  planMs: number;
}

/** Fewest moves that bring an overloaded fleet within its limits: the planner's one plan, and the optimum. */
const relieve = (solver: ExactSolver, { snapshot, forecast }: Fleet): Relief => {
  const audit = new PlacementAudit(snapshot, forecast, EXACT_POLICY);
  const startedMs = performance.now();
  const fitness = fitnessOf(snapshot, forecast, EXACT_POLICY);
  const noScaleIn = { ...EXACT_POLICY, minEncoders: snapshot.encoders.length };
  const plan = makePlan(snapshot, forecast, fitness, noScaleIn, { lowDemandSinceMs: null });
  const planMs = performance.now() - startedMs;
  const placed = audit.after(plan.moves);
  return {
    plan,
    isWithinLimits: audit.excesses(placed).size === 0 && audit.breaches(placed).length === 0,
    faults: audit.faults(plan),
    optimum: solver.fewestMoves(snapshot, audit),
    planMs,
  };
};

/** Fewest encoders: the planner lets one go a cycle until it can't, and the optimum. */
const consolidate = (
  solver: ExactSolver,
  { snapshot, forecast }: Fleet,
): { used: number; optimum: Optimum } => {
  const evaluator = new FitnessEvaluator(forecast, EXACT_POLICY);
  evaluator.update(snapshot);
  const planner = createPlanner(snapshot, forecast, evaluator.evaluate(), EXACT_POLICY);
  const fleet = new ChangingFleet(snapshot, forecast.horizonSteps, () => 0);
  let plan = planner.plan({ lowDemandSinceMs: 0 });
  while (plan.scale.kind === 'deprovision' || plan.moves.length > 0) {
    const change = fleet.next(plan, 0);
    evaluator.update(change);
    planner.update({ ...change, fitness: evaluator.evaluate() });
    plan = planner.plan({ lowDemandSinceMs: 0 });
  }
  const audit = new PlacementAudit(snapshot, forecast, EXACT_POLICY);
  return { used: fleet.encodersUsed, optimum: solver.fewestEncoders(snapshot, audit) };
};

const handoffsOf = ({ moves }: Plan): number => moves.filter((m) => m.fromEncoderId !== m.toEncoderId).length;

/** Compares plans of small instances with the optimum; @returns a row for each kind of difference, and the sums */
export const runExact = async (
  instances: number,
  seed: number,
): Promise<{ rows: string[][]; summary: ExactSummary }> => {
  const solver = await ExactSolver.load();
  const counts = new Map<string, number>();
  const summary: ExactSummary = {
    instances,
    feasible: 0,
    goal1Equal: 0,
    movesRatio: 1,
    encodersRatio: 1,
    movesTotal: 0,
    movesOptimum: 0,
    encodersTotal: 0,
    encodersOptimum: 0,
    unproven: 0,
    faults: 0,
    planMsMax: 0,
    seed,
  };
  const tally = (row: (string | number)[]): void => {
    const key = row.join('\t');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (let i = 0; i < instances; i++) {
    const instanceSeed = seed * SEEDS_PER_RUN + i;
    const relief = relieve(solver, overloadedInstance(instanceSeed));
    const moves = handoffsOf(relief.plan);
    summary.faults += relief.faults.length;
    summary.planMsMax = Math.max(summary.planMsMax, relief.planMs);
    if (relief.optimum.feasible !== false) {
      summary.feasible += 1;
      if (!relief.optimum.proven) summary.unproven += 1;
      if (relief.isWithinLimits) {
        summary.goal1Equal += 1;
        summary.movesTotal += moves;
        summary.movesOptimum += relief.optimum.value;
      }
      const reached = relief.isWithinLimits ? 'relief' : `relief, NOT REACHED (instance ${i})`;
      tally([reached, moves, relief.optimum.value, '-', '-']);
    }
    const { used, optimum } = consolidate(solver, spreadInstance(instanceSeed));
    if (!optimum.proven) summary.unproven += 1;
    summary.encodersTotal += used;
    summary.encodersOptimum += optimum.value;
    tally(['consolidation', '-', '-', used, optimum.value]);
  }
  summary.movesRatio = rounded(summary.movesTotal / Math.max(1, summary.movesOptimum), 4) as number;
  summary.encodersRatio = rounded(summary.encodersTotal / Math.max(1, summary.encodersOptimum), 4) as number;
  summary.planMsMax = rounded(summary.planMsMax) as number;
  const rows = [...counts].map(([key, count]) => [...key.split('\t'), String(count)]).sort();
  return { rows, summary };
};
