import { TICKS_PER_SECOND } from '../../domain';
import type { PesUnit } from '../mpegts';

/** Jitter of a live feed; a gain on the clock beyond it is backlog being sent. */
const JITTER_MS = 30;
/** Backlog comes without pauses: this long without a gain on the clock, and the feed is live. */
const SETTLED_MS = 60;

/** After a silence of this long the contribution may go on later than it should have: the edge is searched for again. */
const SILENCE_MS = 1_000;

const ticksToMs = (ticks: number): number => (ticks * 1000) / TICKS_PER_SECOND;

/**
 * Watches a feed arrive: while backlog is sent, media time gains on the wall clock; at the live edge it keeps
 * pace. The largest gain since the last silence is the live edge itself.
 */
export class LiveEdge {
  private leadMs = -Infinity;
  private lastGainAtMs = Infinity;
  private lastArrivalAtMs = Infinity;
  /** Latest presentation and decoding times that arrived, feed clock. */
  lastPtsTicks = 0;
  lastDtsTicks = 0;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Notes a picture that has arrived. */
  arrived({ ptsTicks, dtsTicks }: Pick<PesUnit, 'ptsTicks' | 'dtsTicks'>): void {
    this.lastDtsTicks = Math.max(this.lastDtsTicks, dtsTicks);
    if (ptsTicks <= this.lastPtsTicks) return;
    this.lastPtsTicks = ptsTicks;
    const now = this.nowMs();
    if (now - this.lastArrivalAtMs > SILENCE_MS) this.leadMs = -Infinity;
    this.lastArrivalAtMs = now;
    const leadMs = ticksToMs(ptsTicks) - now;
    if (leadMs <= this.leadMs + JITTER_MS) return;
    this.leadMs = leadMs;
    this.lastGainAtMs = now;
  }

  /** True once the backlog has arrived and the feed comes at its own pace. */
  isReached(): boolean {
    return this.nowMs() - this.lastGainAtMs >= SETTLED_MS;
  }

  /** Milliseconds since a moment of feed time was at the live edge. Exact only once the edge is reached. */
  ageMs(feedTicks: number): number {
    return this.nowMs() + this.leadMs - ticksToMs(feedTicks);
  }
}
