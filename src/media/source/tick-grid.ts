import { TICKS_PER_SECOND } from '../../domain';

/** Times rounded to milliseconds, at both ends of a step, and to ticks. */
const ROUNDED_BY_TICKS = TICKS_PER_SECOND / 1_000 + 10;

/**
 * Undoes the rounding of a container that counts milliseconds: frames that come at a known distance are set to it
 * exactly. A frame that is farther off than rounding can explain begins a new grid.
 */
export class TickGrid {
  private lastTicks: number | null = null;

  /** @param stepTicks distance of two frames; null: times are left as they are */
  constructor(private readonly stepTicks: number | null) {}

  place(ticks: number): number {
    if (this.stepTicks === null) return ticks;
    if (this.lastTicks !== null) {
      const steps = Math.round((ticks - this.lastTicks) / this.stepTicks);
      const exact = this.lastTicks + steps * this.stepTicks;
      this.lastTicks = steps > 0 && Math.abs(exact - ticks) <= ROUNDED_BY_TICKS ? exact : ticks;
    } else this.lastTicks = ticks;
    return this.lastTicks;
  }

  /** A whole number of steps, if that is what a rounded distance can mean. */
  distance(ticks: number): number {
    if (this.stepTicks === null) return ticks;
    const exact = Math.round(ticks / this.stepTicks) * this.stepTicks;
    return Math.abs(exact - ticks) <= ROUNDED_BY_TICKS ? exact : ticks;
  }

  restart(): void {
    this.lastTicks = null;
  }
}
