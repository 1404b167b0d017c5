/** A timer that waits for its virtual moment. */
interface Timer {
  id: number;
  atMs: number;
  everyMs: number | null;
  run: () => void;
}

const TIMED_OUT = new DOMException('The operation was aborted due to timeout', 'TimeoutError');

const real = {
  setImmediate,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  now: Date.now,
  monotonic: performance.now.bind(performance),
  signalTimeout: AbortSignal.timeout.bind(AbortSignal),
};

/** Lets every promise that can go on go on. */
const settle = (): Promise<void> => new Promise((resolve) => real.setImmediate(resolve));

/**
 * Virtual time for a whole test process: timers, intervals, `Date.now`, `performance.now` and `AbortSignal.timeout` follow it. Time
 * moves only when nothing is left to do, straight to the next timer, so that minutes take milliseconds and the
 * same events come in the same order in every run.
 */
export class VirtualClock {
  nowMs: number;
  private readonly timers = new Map<number, Timer>();
  private lastId = 0;
  private readonly watchers = new Set<() => boolean>();

  constructor(startMs = 1_800_000_000_000) {
    this.nowMs = startMs;
  }

  /** @returns puts the real clock back */
  install(): () => void {
    stage.clock = this;
    Object.assign(globalThis, virtualTimers);
    Date.now = virtualNow;
    performance.now = virtualNow;
    AbortSignal.timeout = virtualSignalTimeout;
    return () => {
      const { now, monotonic, setImmediate: _, signalTimeout, ...timers } = real;
      Object.assign(globalThis, timers);
      Date.now = now;
      performance.now = monotonic;
      AbortSignal.timeout = signalTimeout;
      delete stage.clock;
    };
  }

  /** @returns its id, by which it is taken back */
  add(run: () => void, ms: number, everyMs: number | null): number {
    this.lastId += 1;
    this.timers.set(this.lastId, { id: this.lastId, atMs: this.nowMs + Math.max(0, ms), everyMs, run });
    return this.lastId;
  }

  remove(id: number): void {
    this.timers.delete(id);
  }

  /** Resolves, in virtual time, after so long. */
  after(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Asks `met` whenever something may have changed, until it says true. @returns takes the question back */
  watch(met: () => boolean): () => void {
    this.watchers.add(met);
    return () => this.watchers.delete(met);
  }

  /** Lets virtual time pass until a moment. */
  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      await settle();
      if (this.askWatchers()) continue;
      const next = this.nextTimer();
      if (!next || next.atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (next.everyMs === null) this.timers.delete(next.id);
      else next.atMs += Math.max(1, next.everyMs);
      next.run();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  private askWatchers(): boolean {
    let met = false;
    for (const watcher of [...this.watchers]) {
      if (!watcher()) continue;
      this.watchers.delete(watcher);
      met = true;
    }
    return met;
  }

  private nextTimer(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers.values()) {
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.id < next.id)) next = timer;
    }
    return next;
  }
}

/**
 * What stands in the globals' place. One for all clocks: Jest keeps every value that a global ever had until the
 * file ends, and through a clock's own functions it would keep each world that was ever run.
 */
const stage: { clock?: VirtualClock } = {};
const clock = (): VirtualClock => {
  if (!stage.clock) throw new Error('a timer of a virtual world is set after its end');
  return stage.clock;
};
const handle = (id: number): NodeJS.Timeout =>
  ({ id, unref: () => undefined, ref: () => undefined, hasRef: () => false }) as unknown as NodeJS.Timeout;
const remove = (timer: unknown): void => {
  const id = (timer as { id?: number } | undefined)?.id;
  if (id !== undefined) stage.clock?.remove(id);
};
const virtualTimers = {
  setTimeout: (run: (...a: unknown[]) => void, ms = 0, ...a: unknown[]) =>
    handle(clock().add(() => run(...a), ms, null)),
  setInterval: (run: (...a: unknown[]) => void, ms = 0, ...a: unknown[]) =>
    handle(clock().add(() => run(...a), ms, ms)),
  clearTimeout: remove,
  clearInterval: remove,
};
const virtualNow = (): number => clock().nowMs;
const virtualSignalTimeout = (ms: number): AbortSignal => {
  const controller = new AbortController();
  virtualTimers.setTimeout(() => controller.abort(TIMED_OUT), ms);
  return controller.signal;
};
