import { SwarmError } from '../domain';
import { systemClock, type Clock } from '../platform/clock';
import { withinDeadline } from '../platform/deadline';

/** What a reading gives: the last good value with its time, and the fault if the last try failed. */
export interface Reading<T> {
  value: T | null;
  readAtMs: number | null;
  fault: SwarmError | null;
}

/** How a call is made. */
export interface CallTerms {
  /** The call gives up by itself after this; a little later than who waits for it. */
  deadlineMs: number;
  /** Waits for a connection up to the deadline, where the last one was just lost. */
  waitForReady: boolean;
}

/** How a reading is looked at. */
export interface Look {
  /** The longest wait; default: the reading's own. */
  deadlineMs?: number;
  waitForReady?: boolean;
}

export interface ReadingTerms {
  /** For so long a value, or the fault of a failed try, is taken as it is. */
  keptMs: number;
  deadlineMs: number;
}

/** By so much a call outlives the wait for it: a deadline of gRPC alone has been seen not to fire. */
const CALL_GRACE_MS = 200;

const asSwarmError = (error: unknown): SwarmError =>
  error instanceof SwarmError
    ? error
    : new SwarmError('internal', error instanceof Error ? error.message : String(error));

/**
 * A reading of one part, for all in this process who want it: kept for a while, read within a deadline, and with its
 * last value kept where a try fails. One call is under way at a time, so that a dead part is neither asked too often nor waited
 * for twice.
 */
export class KeptReading<T> {
  private reading: Reading<T> = { value: null, readAtMs: null, fault: null };
  private triedAtMs = -Infinity;
  private underWay: Promise<Reading<T>> | null = null;
  private next: Promise<Reading<T>> | null = null;
  private calls = 0;
  /** The latest call whose outcome is kept, or that is no longer wanted. */
  private settled = 0;

  constructor(
    private readonly what: string,
    private readonly read: (terms: CallTerms) => Promise<T>,
    private readonly terms: ReadingTerms,
    private readonly clock: Clock = systemClock,
  ) {}

  /** As it is kept now; asks nobody. */
  get last(): Reading<T> {
    return this.reading;
  }

  /**
   * The reading as it is kept, read again where it is older.
   * @param look.maxAgeMs default: what it is kept for
   * @param look.insists waits also for a part that failed last time. Else it is asked again, but nobody waits for it:
   * its fault is known
   */
  async get(look: Look & { maxAgeMs?: number; insists?: boolean } = {}): Promise<Reading<T>> {
    const { maxAgeMs = this.terms.keptMs, insists = false } = look;
    if (this.clock.now() - this.triedAtMs < maxAgeMs) return this.reading;
    const isAwaited = insists || !this.reading.fault;
    const answer = this.underWay ?? this.begin(look);
    return isAwaited ? this.awaited(answer, look) : this.reading;
  }

  /**
   * Asks now: the answer is never older than the question. Those who ask while a call is under way share the one after
   * it.
   */
  async now(look: Look = {}): Promise<Reading<T>> {
    if (!this.underWay) return this.awaited(this.begin(look), look);
    this.next ??= this.underWay.then(() => {
      this.next = null;
      return this.underWay ?? this.begin(look);
    });
    return this.awaited(this.next, look);
  }

  /** A call of its own, in addition to one that may be under way: where that one waits less long, or hangs. */
  async apart(look: Look = {}): Promise<Reading<T>> {
    const { deadlineMs = this.terms.deadlineMs, waitForReady = false } = look;
    const call = (this.calls += 1);
    const keep = (next: Reading<T>): Reading<T> => {
      if (call <= this.settled) return next;
      this.settled = call;
      this.reading = next;
      this.triedAtMs = this.clock.now();
      return next;
    };
    const answer = this.ask({ deadlineMs: deadlineMs + CALL_GRACE_MS, waitForReady });
    try {
      const value = await withinDeadline(this.what, deadlineMs, answer, this.clock);
      return keep({ value, readAtMs: this.clock.now(), fault: null });
    } catch (error) {
      answer.then(
        (value) => this.keepLate(call, value),
        () => undefined,
      );
      return keep({ ...this.reading, fault: asSwarmError(error) });
    }
  }

  /** The next look reads again, even if a call is under way now. */
  invalidate(): void {
    this.triedAtMs = -Infinity;
    this.underWay = null;
    this.next = null;
    this.settled = this.calls;
  }

  private begin(look: Look): Promise<Reading<T>> {
    const begun = this.apart(look).finally(() => {
      if (this.underWay === begun) this.underWay = null;
    });
    this.underWay = begun;
    return begun;
  }

  private awaited(answer: Promise<Reading<T>>, look: Look): Promise<Reading<T>> {
    const { deadlineMs = this.terms.deadlineMs } = look;
    return withinDeadline(this.what, deadlineMs, answer, this.clock).catch((error: unknown) => ({
      ...this.reading,
      fault: asSwarmError(error),
    }));
  }

  private async ask(terms: CallTerms): Promise<T> {
    return this.read(terms);
  }

  /** Too late for the caller that waited, but still the part's latest answer. */
  private keepLate(call: number, value: T): void {
    if (call !== this.settled || !this.reading.fault) return;
    this.reading = { ...this.reading, value, readAtMs: this.clock.now() };
  }
}

/** The value that was read. @throws SwarmError the fault */
export const valueOf = <T>({ value, fault }: Reading<T>): T => {
  if (fault) throw fault;
  return value as T;
};

/** The value that was read just now; null where the part did not answer: its last value does not count. */
export const freshOrNull = <T>({ value, fault }: Reading<T>): T | null => (fault ? null : value);
