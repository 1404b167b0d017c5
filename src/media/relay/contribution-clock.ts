import { TICKS_PER_SECOND } from '../../domain';
import { unwrapTicks, wrapTicks, type PesUnit } from '../mpegts';

/** A step of the source clock beyond this is not a pause of the picture but another clock. */
export const MAX_CLOCK_STEP_TICKS = 2 * TICKS_PER_SECOND;

/** What of a unit says where it is placed; its times are of 33 bits. */
export type TimedPicture = Pick<PesUnit, 'kind' | 'keyframe' | 'ptsTicks' | 'dtsTicks'>;

/** Channel times of a unit. */
export interface UnitTimes {
  ptsTicks: number;
  dtsTicks: number;
}

/**
 * Maps one contribution's 33-bit source clock to channel time: its first keyframe is presented at `startTicks`; or, where the
 * sender dictates it, `sourceTicks` of its clock is `startTicks`, and its first keyframe may be earlier.
 */
export class ContributionClock {
  /** Channel time minus unwrapped source time; undefined before the first keyframe. */
  private offsetTicks: number | undefined;
  /** Unwrapped source DTS of the last picture. */
  private lastVideoDtsTicks = 0;
  /** Channel time of the first keyframe: what is presented before refers to what is not there. */
  private firstTicks = Infinity;

  constructor(
    private readonly startTicks: number,
    private readonly sourceTicks?: number,
  ) {}

  get started(): boolean {
    return this.offsetTicks !== undefined;
  }

  /** What is presented before the first keyframe is of use after all: what it refers to is there. */
  keepLeading(): void {
    this.firstTicks = -Infinity;
  }

  /** What the source clock shows at a channel time, 33-bit. Only once started. */
  sourceTicksAt(channelTicks: number): number {
    return wrapTicks(channelTicks - (this.offsetTicks ?? 0));
  }

  /** Channel times of a unit, whether it is kept or not. Only once started. */
  timesOf(unit: TimedPicture): UnitTimes {
    const offset = this.offsetTicks ?? 0;
    const ptsTicks = unwrapTicks(unit.ptsTicks, this.lastVideoDtsTicks) + offset;
    const dtsTicks = unwrapTicks(unit.dtsTicks, this.lastVideoDtsTicks) + offset;
    return { ptsTicks, dtsTicks: Math.min(dtsTicks, ptsTicks) };
  }

  /** True if the source clock stood still, went back, or stepped ahead between the last picture and this one. */
  jumpsAt(picture: TimedPicture): boolean {
    if (this.offsetTicks === undefined) return false;
    const step = this.timesOf(picture).dtsTicks - this.offsetTicks - this.lastVideoDtsTicks;
    return step <= 0 || step > MAX_CLOCK_STEP_TICKS;
  }

  /**
   * Places a unit on channel time. Undefined if it must be dropped: it comes before the first keyframe, or is
   * presented before it (leading pictures, whose references are missing; early audio).
   */
  place(unit: TimedPicture): UnitTimes | undefined {
    if (this.offsetTicks === undefined) {
      if (unit.kind !== 'video' || !unit.keyframe) return undefined;
      const nearTicks = this.sourceTicks ?? unit.ptsTicks;
      this.offsetTicks = this.startTicks - nearTicks;
      this.lastVideoDtsTicks = nearTicks;
      this.firstTicks = this.timesOf(unit).ptsTicks;
    }
    const times = this.timesOf(unit);
    if (unit.kind === 'video') this.lastVideoDtsTicks = times.dtsTicks - this.offsetTicks;
    return times.ptsTicks < this.firstTicks ? undefined : times;
  }
}
