import type { CellForecast, Fitness, Plan, Policy, SwarmSnapshot } from '../../domain';
import { fitnessOf } from '../../fitness';
import { chooseTarget, nextZones } from '../../planner';
import type { ForecastBook } from '../forecasts';
import type { CycleDecision, CycleView, ScalingPolicy } from '../policy';
import { ChangeWatch } from './change-watch';
import { snapshotOf } from './snapshot';

/** `makePlan`, or another rule of the same signature. */
export type PlanRule = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: Fitness[],
  policy: Policy,
  memory: { lowDemandSinceMs: number | null },
) => Plan;

/** Cells begin with a fifth more than they need at that moment: no policy has had a chance to do better yet. */
const INITIAL_RESERVE = 1.2;

const NOTHING: CycleDecision = { moves: [], starts: [], provision: [], drain: [] };

/** Runs a plan rule of the live swarm: its snapshot, forecast and fitness in, its moves and scale change out. */
export class PlannedPolicy implements ScalingPolicy {
  private lowDemandSinceMs: number | null = null;
  private readonly changes = new ChangeWatch();

  constructor(
    readonly name: string,
    private readonly rule: PlanRule,
    private readonly forecasts: ForecastBook,
  ) {}

  initialEncoders({ demand, limitUnits }: Parameters<ScalingPolicy['initialEncoders']>[0]): number {
    return Math.ceil(((demand.totalUnits[0] ?? 0) * INITIAL_RESERVE) / limitUnits);
  }

  decide(view: CycleView): CycleDecision {
    const { world, zones, limits } = view;
    const forecast = this.forecasts.at(view.atMs);
    if (!this.changes.since(view, forecast.forecastId)) return NOTHING;
    const snapshot = snapshotOf(view);
    const fitness = fitnessOf(snapshot, forecast, limits);
    const memory = { lowDemandSinceMs: this.lowDemandSinceMs };
    const plan = this.rule(snapshot, forecast, fitness, limits, memory);
    this.lowDemandSinceMs = plan.lowDemandSinceMs;

    const indexOf = new Map(world.channels.map(({ spec }, c) => [spec.id, c]));
    const { scale } = plan;
    const present = [...view.encoders.map((e) => e.zone), ...view.pending.map((p) => p.zone ?? '')];
    return {
      // A move that keeps its encoder changes the ladder, which the world does here. Later waves need the room that the
      // first one leaves: the next cycle sees that room and plans them again.
      moves: plan.moves
        .filter((move) => move.fromEncoderId !== move.toEncoderId && !move.wave)
        .map((move) => ({
          channel: indexOf.get(move.channelId) as number,
          to: move.toEncoderId,
          reason: move.reason,
        })),
      starts: view.waiting.flatMap((c) => this.start(view, limits, snapshot, forecast, fitness, c)),
      provision: scale.kind === 'provision' ? (scale.zones ?? nextZones(scale.count, present, zones)) : [],
      drain: scale.kind === 'deprovision' ? [scale.encoderId] : [],
    };
  }

  /** As the recovery workflow asks: below the limit, else up to the capacity. */
  private start(
    view: CycleView,
    limits: Policy,
    snapshot: SwarmSnapshot,
    forecast: CellForecast,
    fitness: Fitness[],
    channel: number,
  ): { channel: number; on: string }[] {
    const { spec } = view.world.channels[channel] as { spec: { id: string } };
    const rungs = view.demand.rungs[channel]?.[view.cycle] ?? 1;
    const answer = chooseTarget(snapshot, forecast, fitness, limits, { channelId: spec.id, rungs });
    return answer.ok ? [{ channel, on: answer.encoderId }] : [];
  }
}
