import { TICKS_PER_SECOND } from '../../domain';

/** How early pictures arrive is looked at over this long, which is longer than any pause between two HLS segments. */
const WINDOW_MS = 30_000;
/** The first pictures may come in one burst, which says nothing about those that follow. */
const SETTLE_MS = 5_000;
/** So much earlier than at first may pictures arrive for good; more is a clock that runs fast. */
const SPARE_MS = 2_000;
/** While pictures are too early, time runs this much faster. */
const HURRY = 0.05;

const ticksToMs = (ticks: number): number => (ticks * 1_000) / TICKS_PER_SECOND;

/**
 * When each picture of a programme is to be passed on: at the pace of the programme's own clock, however it arrives. A
 * picture that arrives too late makes all that follow as late, so that the next one of its kind is in time: what
 * arrives in bursts gets a cushion of the longest pause, and what arrives steadily gets none. Where the programme's
 * clock runs faster than ours, the cushion that grows is used up again.
 */
export class ReleasePace {
  /** Our time minus the programme's, in milliseconds; null before the first picture. */
  private offsetMs: number | null = null;
  private lastTicks = 0;
  private windowBeginsMs = 0;
  /** How early the latest picture of the window was. */
  private leastEarlyMs = Infinity;
  /** The same for the first window. */
  private usualEarlyMs: number | null = null;
  private tooEarlyMs = 0;

  /** When a picture that arrives now is to be passed on, in monotonic milliseconds. */
  dueMs(dtsTicks: number, nowMs: number): number {
    const atMs = ticksToMs(dtsTicks);
    if (this.offsetMs === null) {
      this.offsetMs = nowMs - atMs;
      this.lastTicks = dtsTicks;
      this.windowBeginsMs = nowMs + SETTLE_MS;
    }
    const hurryMs = Math.min(this.tooEarlyMs, HURRY * Math.max(0, ticksToMs(dtsTicks - this.lastTicks)));
    this.tooEarlyMs -= hurryMs;
    this.lastTicks = dtsTicks;
    this.offsetMs = Math.max(this.offsetMs - hurryMs, nowMs - atMs);
    const dueMs = atMs + this.offsetMs;
    this.watch(dueMs - nowMs, nowMs);
    return dueMs;
  }

  private watch(earlyMs: number, nowMs: number): void {
    if (nowMs < this.windowBeginsMs) return;
    this.leastEarlyMs = Math.min(this.leastEarlyMs, earlyMs);
    if (nowMs < this.windowBeginsMs + WINDOW_MS) return;
    this.usualEarlyMs ??= this.leastEarlyMs;
    const spareMs = this.leastEarlyMs - this.usualEarlyMs;
    this.tooEarlyMs = spareMs > SPARE_MS ? spareMs : 0;
    this.leastEarlyMs = Infinity;
    this.windowBeginsMs = nowMs;
  }
}
