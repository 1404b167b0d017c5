import type { PesUnit } from '../mpegts';
import { ReleasePace } from './release-pace';

/** Timers of Node are not finer; pictures are seldom closer. */
const FINEST_WAIT_MS = 5;

export interface PacedQueueOptions {
  /** More than this ahead of time, or more bytes, and it says that it is full. */
  mostAheadMs: number;
  mostBytes: () => number;
  release(unit: PesUnit, isStandIn: boolean): void;
  /** After a release, where it was full and is no longer. */
  onRoom(): void;
  /** Monotonic milliseconds; a test's own clock. */
  now?: () => number;
}

interface QueuedUnit {
  unit: PesUnit;
  dueMs: number;
  isStandIn: boolean;
}

/**
 * Holds the units of an input until it is their time. Sound that comes by another way than the picture is put between
 * the pictures where it belongs, as far as those have not been passed on.
 */
export class PacedQueue {
  private readonly pace = new ReleasePace();
  private readonly now: () => number;
  private units: QueuedUnit[] = [];
  private first = 0;
  private bytes = 0;
  private newestDueMs = -Infinity;
  private timer: NodeJS.Timeout | null = null;
  private wasFull = false;
  private onEmpty: (() => void) | null = null;
  private stopped = false;

  constructor(private readonly options: PacedQueueOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * `dtsTicks`: on a clock that neither wraps nor jumps. The first unit is a picture.
   * @param isStandIn a picture that says nothing of the pace of the input
   */
  push(unit: PesUnit, dtsTicks: number, isStandIn = false): void {
    if (this.stopped) return;
    const isPicture = unit.kind === 'video';
    const dueMs =
      isPicture && !isStandIn ? this.pace.dueMs(dtsTicks, this.now()) : this.pace.dueMsOf(dtsTicks);
    if (isPicture) this.newestDueMs = dueMs;
    let place = this.units.length;
    while (place > this.first && this.units[place - 1]!.dueMs > dueMs) place -= 1;
    this.units.splice(place, 0, { unit, dueMs, isStandIn });
    this.bytes += unit.packets.length;
    if (!this.timer || place === this.first) this.releaseDue();
  }

  /** When the newest picture is due, or was, in monotonic milliseconds; -Infinity before the first. */
  get newestPictureDueMs(): number {
    return this.newestDueMs;
  }

  get isFull(): boolean {
    const { mostAheadMs, mostBytes } = this.options;
    const isFull =
      this.first < this.units.length &&
      (this.newestDueMs - this.now() > mostAheadMs || this.bytes > mostBytes());
    this.wasFull ||= isFull;
    return isFull;
  }

  /** Settles once all is passed on that is in it now. */
  async drained(): Promise<void> {
    if (this.first === this.units.length) return;
    await new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
  }

  /** Passes nothing more on. */
  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.units = [];
    this.first = 0;
    this.bytes = 0;
    this.onEmpty?.();
  }

  private releaseDue(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const nowMs = this.now();
    for (let next = this.units[this.first]; next; next = this.units[this.first]) {
      const waitMs = next.dueMs - nowMs;
      if (waitMs > FINEST_WAIT_MS) {
        this.timer = setTimeout(() => this.releaseDue(), waitMs);
        break;
      }
      this.first += 1;
      this.bytes -= next.unit.packets.length;
      this.options.release(next.unit, next.isStandIn);
    }
    this.compact();
    if (this.wasFull && !this.isFull) {
      this.wasFull = false;
      this.options.onRoom();
    }
    if (this.first === this.units.length) this.onEmpty?.();
  }

  private compact(): void {
    if (this.first < 256 && this.first < this.units.length) return;
    this.units = this.units.slice(this.first);
    this.first = 0;
  }
}
