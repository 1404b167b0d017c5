import type { SessionInfo } from '../../domain';
import { ticksToMs } from '../../domain/media-time';

export type RenditionSpeed = NonNullable<SessionInfo['speeds']>[number];

/** Media seconds encoded per wall second over the last GOP of each rendition. */
export class RenditionSpeeds {
  private readonly completedAtMs = new Map<number, number>();
  private readonly ratios = new Map<number, number>();

  constructor(
    private readonly renditions: readonly { name: string }[],
    private readonly gopDurationTicks: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The time until the next GOP says nothing: another encode begins. */
  restart(): void {
    this.completedAtMs.clear();
  }

  completed(index: number): void {
    const now = this.nowMs();
    const before = this.completedAtMs.get(index);
    if (before !== undefined)
      this.ratios.set(index, ticksToMs(this.gopDurationTicks) / Math.max(1, now - before));
    this.completedAtMs.set(index, now);
  }

  /** In the order of the ladder; none for a rendition that has not completed two GOPs. */
  get latest(): RenditionSpeed[] {
    return this.renditions.flatMap(({ name }, index) => {
      const realTimeRatio = this.ratios.get(index);
      return realTimeRatio === undefined ? [] : [{ rendition: name, realTimeRatio }];
    });
  }
}
