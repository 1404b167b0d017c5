import { policySchema, seededRandom, type Plan, type Policy } from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import { FitnessEvaluator } from '../../src/fitness';
import { createPlanner, type Planner } from '../../src/planner';
import { rounded } from '../lib/statistics';
import { encodersLowerBound, movesLowerBound } from './bounds';
import { ChangingFleet } from './changing-fleet';
import { fleetOf, type FleetShape } from './instances';
import { PlacementAudit } from './placement-audit';

const CYCLES = 7;
const CHANGED_SHARE = 0.01;
/** So long a channel that moved rests; after as many cycles without a departure there will be none. */
const CYCLES_OF_REST = 5;
const LIMIT_FRACTION = 0.8;
/** An audit of waves looks at all channels for each encoder that receives one. */
const AUDITED_IN_FULL = 20_000;

export interface ScaleOptions {
  channels: number;
  encoders: number;
  seed: number;
  /** Let encoders go, one a cycle, until none can. */
  consolidate: boolean;
}

export interface ScaleResult {
  channels: number;
  encoders: number;
  planMs: number;
  incrementalMs: number;
  incrementalMaxMs: number;
  planCpuMs: number;
  incrementalCpuMs: number;
  peakRssMiB: number;
  overloadBefore: number;
  overloadAfter: number;
  moves: number;
  movesLowerBound: number;
  waves: number;
  faults: number;
  encodersUsed: number;
  encodersLowerBound: number;
  encodersAfterConsolidation?: number;
  consolidationMoves?: number;
  seed: number;
}

const shapeOf = ({ channels, encoders }: ScaleOptions): FleetShape => ({
  channels,
  encoders,
  regions: Math.max(1, Math.min(4, Math.floor(encoders / 12))),
  zonesPerRegion: 3,
  horizonSteps: 12,
  utilisation: 0.82,
  limitFraction: LIMIT_FRACTION,
});

/** All moves that are wanted go into one plan, so that what it costs and what it reaches can be judged. */
const benchPolicy = (encoders: number): Policy =>
  policySchema.parse({
    limitFraction: LIMIT_FRACTION,
    reserveFraction: 0,
    maxMovesPerCycle: 1_000_000,
    maxMovesPerEncoder: 1_000,
    maxEncoders: 2 * encoders,
    minEncoders: 1,
  });

interface Timed<T> {
  result: T;
  wallMs: number;
  cpuMs: number;
}

const timed = <T>(run: () => T): Timed<T> => {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const result = run();
  const { user, system } = process.cpuUsage(cpu);
  return { result, wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
};

/** Makes a fleet, judges and plans it, then again and again after a hundredth of its channels have changed. */
export const runScale = (options: ScaleOptions): ScaleResult => {
  const { channels, encoders, seed } = options;
  const random = seededRandom(seed);
  const policy = benchPolicy(encoders);
  const { snapshot, forecast } = fleetOf(shapeOf(options), random);
  const evaluator = new FitnessEvaluator(forecast, policy);
  const first = timed(() => {
    evaluator.update(snapshot);
    const planner = createPlanner(snapshot, forecast, evaluator.evaluate(), policy);
    return { planner, plan: planner.plan({ lowDemandSinceMs: null }) };
  });
  const { plan, planner } = first.result;
  const judged = judge(options, new PlacementAudit(snapshot, forecast, policy), plan, snapshot);

  const fleet = new ChangingFleet(snapshot, forecast.horizonSteps, random);
  let last = plan;
  const cycles = Array.from({ length: CYCLES }, () => {
    const change = fleet.next(last, CHANGED_SHARE);
    const measured = timed(() => cycle(planner, evaluator, change, null));
    last = measured.result;
    return measured;
  });
  const wallMs = cycles.map((c) => c.wallMs);
  return {
    channels,
    encoders,
    planMs: rounded(first.wallMs) as number,
    incrementalMs: rounded(percentile(wallMs, 50)) as number,
    incrementalMaxMs: rounded(Math.max(...wallMs)) as number,
    planCpuMs: rounded(first.cpuMs) as number,
    incrementalCpuMs: rounded(
      percentile(
        cycles.map((c) => c.cpuMs),
        50,
      ),
    ) as number,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    ...judged,
    ...(options.consolidate && consolidated(planner, evaluator, fleet, last)),
    seed,
  };
};

/** One cycle of the control loop: everything from what changed to the plan. */
const cycle = (
  planner: Planner,
  evaluator: FitnessEvaluator,
  change: ReturnType<ChangingFleet['next']>,
  lowDemandSinceMs: number | null,
): Plan => {
  evaluator.update(change);
  planner.update({ ...change, fitness: evaluator.evaluate() });
  return planner.plan({ lowDemandSinceMs });
};

const judge = (
  { channels }: ScaleOptions,
  audit: PlacementAudit,
  plan: Plan,
  snapshot: ConstructorParameters<typeof PlacementAudit>[0],
) => {
  const placed = audit.after(plan.moves);
  return {
    overloadBefore: audit.excesses(audit.placement()).size,
    overloadAfter: audit.excesses(placed).size,
    moves: plan.moves.filter((m) => m.fromEncoderId !== m.toEncoderId).length,
    movesLowerBound: movesLowerBound(audit),
    waves: Math.max(0, ...plan.moves.map((m) => (m.wave ?? 0) + 1)),
    faults: (channels <= AUDITED_IN_FULL ? audit.faults(plan) : audit.faultsOfMoves(plan)).length,
    encodersUsed: new Set(placed.values()).size,
    encodersLowerBound: encodersLowerBound(snapshot, audit),
  };
};

/** Cycles with demand that has long been low, until no encoder can be let go. */
const consolidated = (
  planner: Planner,
  evaluator: FitnessEvaluator,
  fleet: ChangingFleet,
  last: Plan,
): Pick<ScaleResult, 'encodersAfterConsolidation' | 'consolidationMoves'> => {
  let plan = last;
  let moves = 0;
  let idleCycles = 0;
  do {
    plan = cycle(planner, evaluator, fleet.next(plan, 0), 0);
    moves += plan.moves.filter((m) => m.fromEncoderId !== m.toEncoderId).length;
    idleCycles = plan.scale.kind === 'deprovision' ? 0 : idleCycles + 1;
  } while (idleCycles < CYCLES_OF_REST);
  return { encodersAfterConsolidation: fleet.encodersUsed, consolidationMoves: moves };
};
