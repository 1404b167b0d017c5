import { monotonicClock, type Clock } from '../platform/clock';

const TICK_MS = 50;
/** Silence is judged over less than this. */
const REMEMBERED_MS = 10_000;

/**
 * How late this process itself is: a machine that is busy, or a suspended one, holds up a timer as it holds up the
 * answers of others, and what was not heard meanwhile proves nothing.
 */
export class OwnLateness {
  private dueAtMs = Infinity;
  private readonly seen: { atMs: number; lateMs: number }[] = [];
  private cancel: () => void = () => undefined;

  constructor(private readonly clock: Clock = monotonicClock) {}

  start(): void {
    this.dueAtMs = this.clock.now() + TICK_MS;
    this.cancel = this.clock.after(TICK_MS, () => {
      this.note();
      this.start();
    });
  }

  stop(): void {
    this.cancel();
    this.dueAtMs = Infinity;
  }

  /** This moment, for `since`. */
  mark(): number {
    return this.clock.now();
  }

  /** The longest time that it was late by since that mark, in milliseconds; also if it has not run again yet. */
  since(mark: number): number {
    const overdueMs = Math.max(0, this.clock.now() - this.dueAtMs);
    const late = this.seen.filter(({ atMs }) => atMs >= mark).map(({ lateMs }) => lateMs);
    return Math.max(overdueMs, ...late);
  }

  private note(): void {
    const atMs = this.clock.now();
    const lateMs = atMs - this.dueAtMs;
    if (lateMs > TICK_MS) this.seen.push({ atMs, lateMs });
    while (this.seen[0] && atMs - this.seen[0].atMs > REMEMBERED_MS) this.seen.shift();
  }
}
