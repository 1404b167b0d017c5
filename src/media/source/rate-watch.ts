const MS_PER_TICK = 1 / 90;
/** What is looked at, of media. */
const WINDOW_MS = 5_000;
/** Of pictures that are copied, so many holes, and such a share of what should be there, are no accident. */
const MOST_HOLES = 7;
const MOST_MISSING = 0.03;
/** A step that counts as a hole, in lengths of a picture: what containers round stays below. */
const HOLE = 1.6;
/** Within a file the picture stands still for so long. A live input is filled up by then. */
const LONG_HOLE_MS = 500;
/** A longer step is a clock that was set. */
const LONGEST_STEP_MS = 3_600_000;

interface Hole {
  atMs: number;
  pictures: number;
}

/**
 * Finds out that an input which says that its pictures come at a steady rate leaves some out. Matroska and FLV state a
 * rate whatever comes, and a sender of any kind may leave pictures out only later. Copied, the GOPs of such an input would
 * hold fewer pictures than all others expect.
 */
export class RateWatch {
  private lastTicks: number | null = null;
  private passedMs = 0;
  private holes: Hole[] = [];

  /** @param finite it is a file, in which one long step is enough */
  constructor(
    private readonly frameTicks: number,
    private readonly finite: boolean,
  ) {}

  /** Notes the next picture, in the order of decoding. @returns true once its rate varies */
  note(dtsTicks: number): boolean {
    const stepTicks = this.lastTicks === null ? 0 : dtsTicks - this.lastTicks;
    this.lastTicks = dtsTicks;
    const stepMs = stepTicks * MS_PER_TICK;
    if (stepMs < 0 || stepMs > LONGEST_STEP_MS) return false;
    this.passedMs += stepMs;
    if (stepTicks < HOLE * this.frameTicks) return false;
    this.holes.push({ atMs: this.passedMs, pictures: Math.round(stepTicks / this.frameTicks) - 1 });
    this.holes = this.holes.filter(({ atMs }) => atMs > this.passedMs - WINDOW_MS);
    if (stepMs >= LONG_HOLE_MS) return this.finite;
    const missing = this.holes.reduce((sum, { pictures }) => sum + pictures, 0);
    const windowMs = Math.min(WINDOW_MS, this.passedMs);
    const wanted = windowMs / (this.frameTicks * MS_PER_TICK);
    return this.holes.length >= MOST_HOLES && missing > MOST_MISSING * wanted;
  }
}
