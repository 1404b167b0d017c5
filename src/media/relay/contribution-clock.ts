import { TICKS_PER_SECOND } from '../../domain';
import { unwrapTicks, wrapTicks, type PesUnit } from '../mpegts';

/** A step of the source clock beyond this is not a pause of the picture but another clock. */
export const MAX_CLOCK_STEP_TICKS = 2 * TICKS_PER_SECOND;

/** Channel times of a unit. */
export interface UnitTimes {
  ptsTicks: number;
  dtsTicks: number;
}

/** Maps one contribution's 33-bit source clock to channel time: its first keyframe is presented at `startTicks`. */
export class ContributionClock {
  /** Channel time minus unwrapped source time; undefined before the first keyframe. */
  private offsetTicks: number | undefined;
  /** Unwrapped source DTS of the last picture. */
  private lastVideoDtsTicks = 0;

  constructor(private readonly startTicks: number) {}

  get started(): boolean {
    return this.offsetTicks !== undefined;
  }

  /** What the source clock shows at a channel time, 33-bit. Only once started. */
  sourceTicksAt(channelTicks: number): number {
    return wrapTicks(channelTicks - (this.offsetTicks ?? 0));
  }

  /** Channel times of a unit, whether it is kept or not. Only once started. */
  timesOf(unit: PesUnit): UnitTimes {
    const offset = this.offsetTicks ?? 0;
    const ptsTicks = unwrapTicks(unit.ptsTicks, this.lastVideoDtsTicks) + offset;
    const dtsTicks = unwrapTicks(unit.dtsTicks, this.lastVideoDtsTicks) + offset;
    return { ptsTicks, dtsTicks: Math.min(dtsTicks, ptsTicks) };
  }

  /** True if the source clock stood still, went back, or stepped ahead between the last picture and this one. */
  jumpsAt(picture: PesUnit): boolean {
    if (this.offsetTicks === undefined) return false;
    const step = this.timesOf(picture).dtsTicks - this.offsetTicks - this.lastVideoDtsTicks;
    return step <= 0 || step > MAX_CLOCK_STEP_TICKS;
  }

  /**
   * Places a unit on channel time. Undefined if it must be dropped: it comes before the first keyframe, or is
   * presented before it (leading pictures, whose references are missing; early audio).
   */
  place(unit: PesUnit): UnitTimes | undefined {
    if (this.offsetTicks === undefined) {
      if (unit.kind !== 'video' || !unit.keyframe) return undefined;
      this.offsetTicks = this.startTicks - unit.ptsTicks;
      this.lastVideoDtsTicks = unit.ptsTicks;
    }
    const times = this.timesOf(unit);
    if (unit.kind === 'video') this.lastVideoDtsTicks = times.dtsTicks - this.offsetTicks;
    return times.ptsTicks < this.startTicks ? undefined : times;
  }
}
