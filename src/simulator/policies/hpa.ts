import { nextZones } from '../../planner';
import type { CycleDecision, CycleView, ScalingPolicy } from '../policy';
import { desiredReplicas, HPA_DEFAULTS, ScaleDownWindow, scaleUpLimit } from './hpa-formula';
import { Loads, placeOnLeastLoaded } from './least-loaded';

export interface HpaOptions {
  /**
   * Kubernetes never moves what runs. With this, a channel leaves an encoder as soon as that is over its limit, to the
   * least loaded one that has room.
   */
  rebalances: boolean;
}

/**
 * Encoders as replicas under Kubernetes' Horizontal Pod Autoscaler with its defaults; utilisation is measured against
 * the limit. Channels go to the least loaded encoder when they start, or when theirs is scaled in or lost.
 */
export class HpaPolicy implements ScalingPolicy {
  readonly name: string;
  private replicas = 0;
  private readonly window = new ScaleDownWindow();

  constructor(private readonly options: HpaOptions = { rebalances: false }) {
    this.name = options.rebalances ? 'hpa-rebalance' : 'hpa';
  }

  initialEncoders({ demand, limitUnits }: Parameters<ScalingPolicy['initialEncoders']>[0]): number {
    return Math.ceil((demand.totalUnits[0] ?? 0) / limitUnits / HPA_DEFAULTS.targetUtilisation);
  }

  decide(view: CycleView): CycleDecision {
    const { limits, encoders, pending, limitUnits, atMs, zones } = view;
    const ready = encoders.filter((e) => !e.draining);
    if (this.replicas === 0) this.replicas = ready.length;
    const loads = new Loads(view);
    const recommended = desiredReplicas(
      ready.map((e) => loads.of(e) / limitUnits),
      Math.max(0, this.replicas - ready.length),
      this.replicas,
    );
    const bounded = Math.min(limits.maxEncoders, Math.max(limits.minEncoders, recommended));
    const stabilised = this.window.stabilised(bounded, atMs);
    this.replicas =
      stabilised > this.replicas
        ? Math.max(this.replicas, Math.min(bounded, scaleUpLimit(this.replicas)))
        : stabilised;

    // A replica set deletes the youngest first.
    const surplus = ready.slice().sort((a, b) => b.readyAtMs - a.readyAtMs);
    const drain = surplus.slice(0, Math.max(0, ready.length - this.replicas));
    for (const encoder of drain) encoder.draining = true;
    const placement = placeOnLeastLoaded(view, loads);
    if (this.options.rebalances) this.rebalance(view, loads, placement);
    const present = [
      ...ready.filter((e) => !drain.includes(e)).map((e) => e.zone),
      ...pending.map((p) => p.zone ?? ''),
    ];
    const missing = Math.max(0, this.replicas - present.length);
    return { ...placement, drain: drain.map((e) => e.id), provision: nextZones(missing, present, zones) };
  }

  private rebalance(view: CycleView, loads: Loads, decision: Pick<CycleDecision, 'moves'>): void {
    for (const source of view.encoders) {
      if (source.draining) continue;
      const largest = [...source.channels].sort((a, b) => view.unitsOf(b) - view.unitsOf(a));
      for (const channel of largest) {
        if (loads.of(source) <= view.limitUnits) break;
        const units = view.unitsOf(channel);
        const target = loads.least(source);
        if (!target || loads.of(target) + units > view.limitUnits) continue;
        decision.moves.push({ channel, to: target.id, reason: 'overload' });
        loads.add(target, units);
        loads.add(source, -units);
      }
    }
  }
}
