import { Deadline } from './deadline';
import { pause } from './retry';

export interface StillThereOptions {
  /** A small question that whoever is well answers at once. Rejects where no answer came, or once the signal is aborted. */
  ask(signal: AbortSignal): Promise<unknown>;
  /** How long an answer may take before the question is asked, and asked again. Milliseconds. */
  everyMs: number;
  /** Nobody who works takes longer for the question, also on a busy machine. Milliseconds. */
  withinMs: number;
}

/** Whoever finds out so late that an answer is due stood still itself, and knows nothing of the other one. */
const OWN_PAUSE_MS = 500;

/**
 * Asks somebody a small question.
 * @param ask rejects once it has had no answer for `withinMs`
 * @returns `unknown`: none came, but this process stood still while it waited
 */
export const signOf = async (
  ask: () => Promise<unknown>,
  withinMs: number,
): Promise<'came' | 'none' | 'unknown'> => {
  const askedAtMs = performance.now();
  try {
    await ask();
    return 'came';
  } catch {
    return performance.now() - askedAtMs > withinMs + OWN_PAUSE_MS ? 'unknown' : 'none';
  }
};

/**
 * Watches somebody whose answer to something larger is out. Slow is not away: only who does not answer a small question
 * either is given up. Whoever makes one ends it once the answer is there.
 */
export class StillThere {
  private readonly gone = new AbortController();
  private readonly over = new AbortController();

  constructor(private readonly options: StillThereOptions) {
    void this.watch();
  }

  /** Aborted once there was no answer to the small question. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  end(): void {
    this.over.abort();
  }

  private async watch(): Promise<void> {
    const { everyMs, withinMs } = this.options;
    const { signal } = this.over;
    for (;;) {
      await pause(everyMs, signal);
      if (signal.aborted) return;
      const deadline = new Deadline(withinMs, signal);
      const sign = await signOf(() => this.options.ask(deadline.signal), withinMs);
      deadline.end();
      if (signal.aborted) return;
      if (sign === 'none') {
        this.gone.abort(new DOMException('It does not answer any more', 'TimeoutError'));
        return;
      }
    }
  }
}
