import { gopStartTicks } from '../../domain';
import { ContributionClock } from '../relay/contribution-clock';
import { OpenGops } from '../relay/open-gops';
import type { ContributionSpool, SpoolPosition } from './contribution-spool';

/** With which keyframe to begin, so that a relay has a GOP and what follows. */
export interface StretchEntry {
  stretch: Stretch;
  gop: number;
  group: number;
  /** What the clock of the contribution (33-bit) shows at the start of the GOP. */
  sourceTicks: number;
}

/**
 * What an input brings on one clock from a keyframe on, which is presented at the start of a GOP. It numbers GOPs by the
 * rules by which relays seal them, so that it knows which of them are complete, whatever becomes of a relay.
 */
export class Stretch {
  /** What stands there and behind is none of it; null: it goes on. */
  end: SpoolPosition | null = null;
  /** The group with which what follows begins, where its clock has jumped. */
  jumpedToGroup: number | null = null;
  private readonly clock: ContributionClock;
  private readonly gops: OpenGops;
  private cursor: SpoolPosition;
  /** With which one can begin, oldest first. */
  private keyframes: { group: number; ticks: number }[] = [];

  constructor(
    readonly spool: ContributionSpool,
    firstGroup: number,
    readonly fromGop: number,
    private readonly gopDurationTicks: number,
  ) {
    this.clock = new ContributionClock(gopStartTicks(fromGop, gopDurationTicks));
    this.gops = new OpenGops(gopDurationTicks, fromGop);
    this.cursor = { group: firstGroup, packet: 0 };
  }

  /** The first GOP that is not complete. */
  get nextGop(): number {
    return this.gops.nextGop;
  }

  /** What its clock (33-bit) shows at the start of a GOP; null before its first keyframe. */
  sourceTicksAt(gop: number): number | null {
    return this.clock.started ? this.clock.sourceTicksAt(gopStartTicks(gop, this.gopDurationTicks)) : null;
  }

  /** Notes what has come since. It ends where the clock jumps. */
  advance(): void {
    if (this.end) return;
    for (const picture of this.spool.picturesFrom(this.cursor)) {
      const { group, packet, keyframe } = picture;
      if (this.clock.started && this.isBreak(picture)) {
        this.end = { group, packet };
        this.jumpedToGroup = keyframe ? group : group + 1;
        return;
      }
      this.cursor = { group, packet: packet + 1 };
      const times = this.clock.place(picture);
      if (!times) continue;
      if (keyframe) this.keyframes.push({ group, ticks: times.ptsTicks });
      this.gops.add(times.ptsTicks, times.dtsTicks);
    }
  }

  /** Ends it with what has come by now. */
  endHere(): void {
    this.advance();
    this.end ??= this.spool.endPosition;
  }

  /** With which keyframe to begin for a GOP, or for the first one behind it that is kept; null: there is none yet. */
  entryFor(gop: number): StretchEntry | null {
    this.keyframes = this.keyframes.filter(({ group }) => this.spool.has(group));
    const [oldest] = this.keyframes;
    if (!oldest) return null;
    const startTicks = gopStartTicks(gop, this.gopDurationTicks);
    const { group, ticks } = this.keyframes.findLast((keyframe) => keyframe.ticks <= startTicks) ?? oldest;
    const first = Math.max(gop, Math.ceil(ticks / this.gopDurationTicks));
    if (this.end && first >= this.nextGop) return null;
    const sourceTicks = this.sourceTicksAt(first);
    return sourceTicks === null ? null : { stretch: this, gop: first, group, sourceTicks };
  }

  private isBreak(picture: Parameters<ContributionClock['timesOf']>[0]): boolean {
    return this.clock.jumpsAt(picture) || this.gops.wouldEndEmptyGop(this.clock.timesOf(picture).dtsTicks);
  }
}
