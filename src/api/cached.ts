import { SwarmError } from '../domain';
import { withinDeadline } from '../platform/deadline';

/** What a cached reading gives: the last good value with its age, and the fault if the last try failed. */
export interface Reading<T> {
  value: T | null;
  readAtMs: number | null;
  fault: SwarmError | null;
}

const asSwarmError = (error: unknown): SwarmError =>
  error instanceof SwarmError
    ? error
    : new SwarmError('internal', error instanceof Error ? error.message : String(error));

/**
 * A reading that many may ask for at once: one call under way at a time, kept for `freshMs`. A failed call keeps the
 * last good value and is tried again after `freshMs`, so that a dead part is neither called too often nor waited for twice.
 */
export class CachedReading<T> {
  private reading: Reading<T> = { value: null, readAtMs: null, fault: null };
  private triedAtMs = -Infinity;
  private underWay: Promise<void> | null = null;
  private generation = 0;

  constructor(
    private readonly what: string,
    private readonly read: () => Promise<T>,
    private readonly options: { freshMs: number; deadlineMs: number },
  ) {}

  async get(): Promise<Reading<T>> {
    if (Date.now() - this.triedAtMs >= this.options.freshMs) {
      this.underWay ??= this.refresh();
      // A part that failed last time is asked again, but nobody waits for it: its fault is known.
      if (!this.reading.fault) await this.underWay;
    }
    return this.reading;
  }

  /** The next get() reads again, also if a call is under way now. */
  invalidate(): void {
    this.triedAtMs = -Infinity;
    this.underWay = null;
    this.generation += 1;
  }

  private async refresh(): Promise<void> {
    const generation = this.generation;
    let next: Reading<T>;
    try {
      const value = await withinDeadline(this.what, this.options.deadlineMs, this.read());
      next = { value, readAtMs: Date.now(), fault: null };
    } catch (error) {
      next = { ...this.reading, fault: asSwarmError(error) };
    }
    if (generation !== this.generation) return;
    this.reading = next;
    this.triedAtMs = Date.now();
    this.underWay = null;
  }
}
