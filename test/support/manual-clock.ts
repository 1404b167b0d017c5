import { systemClock, type Clock } from '../../src/platform/clock';

/** A clock that stands still until a test moves it on. */
export class ManualClock implements Clock {
  private nowMs = systemClock.now();
  private readonly timers = new Set<{ dueMs: number; run: () => void }>();

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.nowMs + delayMs, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Moves on, and runs what is due on the way, the earliest first. */
  advance(byMs: number): void {
    const untilMs = this.nowMs + byMs;
    for (;;) {
      const [due] = [...this.timers].filter((t) => t.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs);
      if (!due) break;
      this.timers.delete(due);
      this.nowMs = due.dueMs;
      due.run();
    }
    this.nowMs = untilMs;
  }
}
