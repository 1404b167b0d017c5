import { pause } from '../../../platform/retry';
import { signOf } from '../../../platform/still-there';
import type { Peer } from './settings';

/** Fewer questions cost less; this finds out before a publisher that got no answer asks here, 1.5 s after it asked there. */
const EVERY_MS = 400;
/**
 * Nobody who works takes longer for a small question, also on a busy machine. Who did is asked once more: on one with far
 * too much to do a single answer may be late, and a lead that moves then makes it worse.
 */
const ANSWER_WITHIN_MS = 1_000;
const SECOND_ANSWER_WITHIN_MS = 600;

/** Asks another origin all the time whether it is there, so that who has to know knows already. */
export class PeerWatch {
  private readonly over = new AbortController();
  private gone = new AbortController();

  /** @param onChange it does not answer any more, or does again */
  constructor(
    private readonly peer: Peer,
    private readonly onChange: (isAway: boolean) => void,
  ) {
    void this.run();
  }

  /** It has not answered, nor since then. */
  get isAway(): boolean {
    return this.gone.signal.aborted;
  }

  /** Aborted as long as it is away: whoever waits for it then gives it up. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  end(): void {
    this.over.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.over;
    for (;;) {
      await pause(EVERY_MS, signal);
      if (signal.aborted) return;
      const ask = (timeoutMs: number): ReturnType<typeof signOf> =>
        signOf(() => this.peer.client.health({ timeoutMs, signal }), timeoutMs);
      let sign = await ask(ANSWER_WITHIN_MS);
      if (sign === 'none' && !this.isAway) sign = await ask(SECOND_ANSWER_WITHIN_MS);
      if (signal.aborted) return;
      if (sign !== 'unknown') this.note(sign === 'came');
    }
  }

  private note(isThere: boolean): void {
    if (isThere !== this.isAway) return;
    if (isThere) this.gone = new AbortController();
    else this.gone.abort(new DOMException('It does not answer any more', 'TimeoutError'));
    this.onChange(!isThere);
  }
}
