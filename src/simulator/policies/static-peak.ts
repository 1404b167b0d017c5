import { nextZones } from '../../planner';
import type { CycleDecision, CycleView, ScalingPolicy } from '../policy';
import { Loads, placeOnLeastLoaded } from './least-loaded';

/** What is added to the highest demand ever seen, because the next peak may be higher. */
const RESERVE = 0.2;

/**
 * A fixed fleet, sized for the highest demand of the weeks before and a reserve. Channels start on the least loaded
 * encoder and stay; a crashed encoder is replaced.
 */
export class StaticPeakPolicy implements ScalingPolicy {
  readonly name = 'static-peak';
  private count = 0;

  initialEncoders({
    historyPeakUnits,
    limitUnits,
    limits,
  }: Parameters<ScalingPolicy['initialEncoders']>[0]): number {
    const wanted = Math.ceil((historyPeakUnits * (1 + RESERVE)) / limitUnits);
    this.count = Math.min(limits.maxEncoders, Math.max(limits.minEncoders, wanted));
    return this.count;
  }

  decide(view: CycleView): CycleDecision {
    const present = [...view.encoders.map((e) => e.zone), ...view.pending.map((p) => p.zone ?? '')];
    const provision = nextZones(Math.max(0, this.count - present.length), present, view.zones);
    return { ...placeOnLeastLoaded(view, new Loads(view)), drain: [], provision };
  }
}
