import type { CycleView } from '../policy';

/** A plan is made at least so often: some of its reasons are times. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Tells whether a plan could differ from the one made last. A plan is a function of the snapshot: while nobody comes or
 * goes, changes the ladder or the encoder, and the forecast is the same, only time could make it another one.
 */
export class ChangeWatch {
  private lookedAtMs = -Infinity;
  private seen: readonly unknown[] = [];

  /** Is there anything new since this last answered yes? */
  since(view: CycleView, forecastId: string): boolean {
    const { world, demand, cycle, atMs, encoders, pending, outcomes, waiting } = view;
    const now: unknown[] = [forecastId, pending.length, outcomes.length];
    for (const encoder of encoders) now.push(encoder.id, encoder.draining);
    for (let c = 0; c < world.channels.length; c++) now.push(demand.rungs[c]?.[cycle], view.ownerOf(c));
    const isSame = now.length === this.seen.length && now.every((value, i) => value === this.seen[i]);
    if (isSame && waiting.length === 0 && atMs - this.lookedAtMs < LONGEST_PAUSE_MS) return false;
    this.seen = now;
    this.lookedAtMs = atMs;
    return true;
  }
}
