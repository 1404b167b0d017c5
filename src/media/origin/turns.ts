interface Turn {
  /** Monotonic milliseconds. */
  movedAtMs: number;
  readonly displaced: AbortController;
}

/** The right to hold up a place of a bounded number, until it is left, or given to a newcomer. */
export interface TakenTurn {
  /** Aborted when the place goes to somebody else. */
  readonly signal: AbortSignal;
  /** It still does something: others are given up first. */
  moved(): void;
  leave(): void;
}

/**
 * A bounded number of places for callers that may be anybody. A newcomer is always let in: of those that are there, the
 * one for which nothing has moved for the longest goes. So callers that only hold their place keep nobody out.
 */
export class Turns {
  private readonly taken = new Set<Turn>();

  /** @param now monotonic milliseconds; a test's own clock */
  constructor(
    private readonly most: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @returns null where there is no place at all */
  take(): TakenTurn | null {
    if (this.most < 1) return null;
    while (this.taken.size >= this.most) this.displaceOne();
    const turn: Turn = { movedAtMs: this.now(), displaced: new AbortController() };
    this.taken.add(turn);
    return {
      signal: turn.displaced.signal,
      moved: () => {
        turn.movedAtMs = this.now();
      },
      leave: () => {
        this.taken.delete(turn);
      },
    };
  }

  private displaceOne(): void {
    const [first, ...others] = this.taken;
    if (!first) return;
    const stillest = others.reduce((one, other) => (other.movedAtMs < one.movedAtMs ? other : one), first);
    this.taken.delete(stillest);
    stillest.displaced.abort();
  }
}
