import type { FrameRate } from '../../domain';
import type { PesUnit } from '../mpegts';
import type { StillPicture } from './programme-joiner';
import { makeStillPicture, type PictureGroup } from './still-picture';

/** A picture this late stands still. One that comes earlier is only late: it is waited for, and none is left out. */
const LATE_MS = 2_000;
const LOOK_MS = 100;
const MS_PER_TICK = 1 / 90;

export interface StandstillOptions {
  ffmpeg: string;
  framesPerSecond: FrameRate;
  /** A group that is larger is not kept, so that its last picture can't be repeated. */
  maxBytes: () => number;
  /** When the newest picture is due, or was; -Infinity before the first. */
  newestPictureDueMs: () => number;
  /** Sends a picture in place of the one that does not come; false where that can't be. */
  fill: (still: StillPicture) => boolean;
  /** Monotonic, in milliseconds. */
  now: () => number;
}

/**
 * Watches a live picture. Where it stands still, the last one is repeated at the rate of the channel, so that its GOPs go
 * on coming, as late as is waited for.
 */
export class Standstill {
  private group: PictureGroup | null = null;
  private groupBytes = 0;
  private still: StillPicture | null = null;
  private making = false;
  private lastPictureMs = Infinity;
  /** When the last picture was due after which none came in time; null while they come. */
  private stillSinceMs: number | null = null;
  private failed = false;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: StandstillOptions) {
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Takes note of a picture of the input. */
  seen(unit: PesUnit, tables: Buffer): void {
    this.lastPictureMs = this.options.now();
    this.stillSinceMs = null;
    this.still = null;
    this.failed = false;
    if (unit.keyframe) {
      this.group = { tables, pictures: [] };
      this.groupBytes = 0;
    }
    if (!this.group) return;
    this.groupBytes += unit.packets.length;
    if (this.groupBytes > this.options.maxBytes()) this.group = null;
    else this.group.pictures.push(unit);
  }

  end(): void {
    clearInterval(this.timer);
  }

  /** A sentence while the picture stands still. */
  get notes(): string[] {
    if (!this.still) return [];
    const seconds = Math.round((this.options.now() - this.lastPictureMs) / 1_000);
    return [`The picture has stood still for ${seconds} s: the last one is repeated.`];
  }

  /** Monotonic, in milliseconds; null while the picture goes on, and before the first. */
  get sinceMs(): number | null {
    return this.stillSinceMs;
  }

  /** Whether its last picture is repeated. Some can't be: players get nothing then. */
  get isRepeated(): boolean {
    return this.still !== null;
  }

  private look(): void {
    const { newestPictureDueMs, now } = this.options;
    const lateMs = now() - newestPictureDueMs();
    if (!Number.isFinite(lateMs) || lateMs < LATE_MS) return;
    this.stillSinceMs ??= newestPictureDueMs();
    if (this.still) this.repeat(this.still);
    else if (!this.making && !this.failed && this.group) void this.make(this.group);
  }

  private async make(group: PictureGroup): Promise<void> {
    this.making = true;
    const { ffmpeg, framesPerSecond } = this.options;
    const pictures = group.pictures.length;
    const still = await makeStillPicture(ffmpeg, group, framesPerSecond).catch(() => null);
    this.making = false;
    const isNew = this.group === group && group.pictures.length === pictures;
    if (!isNew) return;
    this.failed = still === null;
    this.still = still;
    if (still) this.look();
  }

  private repeat(still: StillPicture): void {
    const { newestPictureDueMs, now, fill } = this.options;
    const frameMs = still.frameTicks * MS_PER_TICK;
    while (newestPictureDueMs() + frameMs <= now() - LATE_MS + LOOK_MS) if (!fill(still)) return;
  }
}
