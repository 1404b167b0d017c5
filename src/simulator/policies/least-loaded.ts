import type { SimulatedEncoder } from '../fleet';
import type { CycleDecision, CycleView } from '../policy';

/** Loads of this cycle that a decision changes as it goes on. */
export class Loads {
  private readonly units = new Map<string, number>();

  constructor(private readonly view: CycleView) {
    for (const encoder of view.encoders) this.units.set(encoder.id, view.loadOf(encoder));
  }

  of(encoder: SimulatedEncoder): number {
    return this.units.get(encoder.id) ?? 0;
  }

  add(encoder: SimulatedEncoder, units: number): void {
    this.units.set(encoder.id, this.of(encoder) + units);
  }

  /** The least loaded encoder that takes work; of equals the one that came first. */
  least(except?: SimulatedEncoder): SimulatedEncoder | undefined {
    let best: SimulatedEncoder | undefined;
    for (const encoder of this.view.encoders) {
      if (encoder.draining || encoder === except) continue;
      if (!best || this.of(encoder) < this.of(best)) best = encoder;
    }
    return best;
  }
}

/** Reactive placement: waiting channels and those of draining encoders each go to the least loaded encoder. */
export const placeOnLeastLoaded = (
  view: CycleView,
  loads: Loads,
): Pick<CycleDecision, 'moves' | 'starts'> => {
  const decision: Pick<CycleDecision, 'moves' | 'starts'> = { moves: [], starts: [] };
  for (const channel of view.waiting) {
    const target = loads.least();
    if (!target) break;
    decision.starts.push({ channel, on: target.id });
    loads.add(target, view.unitsOf(channel));
  }
  for (const source of view.encoders) {
    if (!source.draining) continue;
    for (const channel of source.channels) {
      const target = loads.least(source);
      if (!target) break;
      decision.moves.push({ channel, to: target.id, reason: 'drain' });
      loads.add(target, view.unitsOf(channel));
      loads.add(source, -view.unitsOf(channel));
    }
  }
  return decision;
};
