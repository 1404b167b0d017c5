import type { PesUnit } from '../mpegts';
import { ReleasePace } from './release-pace';

/** Timers of Node are not finer; pictures are seldom closer. */
const FINEST_WAIT_MS = 5;

export interface PacedQueueOptions {
  /** More than this ahead of time, or more bytes, and it says that it is full. */
  mostAheadMs: number;
  mostBytes: () => number;
  release(unit: PesUnit, tables: Buffer): void;
  /** After a release, where it was full and is no longer. */
  onRoom(): void;
  /** Monotonic milliseconds; a test's own clock. */
  now?: () => number;
}

interface QueuedUnit {
  unit: PesUnit;
  tables: Buffer;
  dueMs: number;
}

/** Holds the units of an input until it is their time. Sound and data go with the picture that came before them. */
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

  /** `dtsTicks`: on a clock that neither wraps nor jumps. */
  push(unit: PesUnit, dtsTicks: number, tables: Buffer): void {
    if (this.stopped) return;
    const nowMs = this.now();
    if (unit.kind === 'video')
      this.newestDueMs = Math.max(this.newestDueMs, this.pace.dueMs(dtsTicks, nowMs));
    this.units.push({ unit, tables, dueMs: this.newestDueMs });
    this.bytes += unit.packets.length;
    if (!this.timer) this.releaseDue();
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
      this.options.release(next.unit, next.tables);
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
