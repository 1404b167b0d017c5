import { TICKS_PER_SECOND, ticksToSeconds } from '../../domain';

/** A track of sound that is sent. */
export interface SoundTrack {
  pid: number;
  /** For people: codec and language. */
  name: string;
  /** Distance of two of its frames; null if nobody knows. */
  frameTicks: number | null;
}

/** Sound that does not come. */
export interface MissingSound {
  /** SoundTrack.name */
  track: string;
  /** Since it came last; since the first picture where it never came. */
  forSeconds: number;
  hasCome: boolean;
}

/** Sound this far behind the picture counts as missing. */
const MISSING_AFTER_TICKS = 3 * TICKS_PER_SECOND;

/** Notices sound that is announced and does not come, comes late, or ends before the picture does. */
export class TrackWatch {
  private readonly lastTicks = new Map<number, number>();
  private firstPictureTicks: number | null = null;
  private pictureTicks = 0;

  constructor(private readonly tracks: readonly SoundTrack[]) {}

  /** @param ticks on a clock that neither wraps nor jumps */
  heard(pid: number, ticks: number): void {
    this.lastTicks.set(pid, ticks);
  }

  seen(ticks: number): void {
    this.firstPictureTicks ??= ticks;
    this.pictureTicks = ticks;
  }

  /** The tracks that are missing now. */
  get missing(): MissingSound[] {
    return this.tracks.flatMap((track) => {
      const { pid, name } = track;
      const missingTicks = this.awayTicks(track);
      if (missingTicks < MISSING_AFTER_TICKS) return [];
      return [{ track: name, forSeconds: ticksToSeconds(missingTicks), hasCome: this.lastTicks.has(pid) }];
    });
  }

  /** For how long the first track has brought nothing beside the picture, in seconds; 0 without any track. */
  get firstAwaySeconds(): number {
    const [first] = this.tracks;
    return first ? Math.max(0, ticksToSeconds(this.awayTicks(first))) : 0;
  }

  /** A sentence for each of them. */
  get notes(): string[] {
    return this.missing.map(({ track, forSeconds, hasCome }) => {
      const sinceSeconds = Math.round(forSeconds);
      const when = hasCome ? `for ${sinceSeconds} s` : `yet, ${sinceSeconds} s after the picture`;
      return `The sound (${track}) has brought nothing ${when}; it joins when it comes.`;
    });
  }

  private awayTicks({ pid }: SoundTrack): number {
    return this.pictureTicks - (this.lastTicks.get(pid) ?? this.firstPictureTicks ?? this.pictureTicks);
  }
}
