/** Who takes a place: his address, and the channel that it is about. */
export interface Holder {
  client: string;
  channel: string;
}

interface Turn extends Holder {
  /** Monotonic milliseconds. */
  movedAtMs: number;
  /** Order of arrival, between turns of the same moment. */
  readonly arrival: number;
  readonly isKept: () => boolean;
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

export interface TurnsOptions {
  /** Of one channel; default: as many as there are. */
  mostOfChannel?: number;
  /** Monotonic milliseconds; a test's own clock. */
  now?: () => number;
}

/**
 * A bounded number of places for callers that may be anybody. A newcomer is let in: of those that are there, one of the
 * client that holds the most goes, of the channel for which it holds the most, and among those the one for which nothing
 * has moved for the longest. So callers that only hold their place keep nobody out, and whoever takes more than others
 * takes it from himself. A place that is kept is not given up.
 */
export class Turns {
  private readonly taken = new Set<Turn>();
  private readonly mostOfChannel: number;
  private readonly now: () => number;
  private arrivals = 0;

  constructor(
    private readonly most: number,
    options: TurnsOptions = {},
  ) {
    this.mostOfChannel = options.mostOfChannel ?? most;
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * @param isKept whether the place may not be given up now; default never
   * @returns null where there is no place at all, or all are kept
   */
  take({ client, channel }: Holder, isKept: () => boolean = () => false): TakenTurn | null {
    if (this.mostOfChannel < this.most) {
      const ofChannel = [...this.taken].filter((turn) => turn.channel === channel);
      if (ofChannel.length >= this.mostOfChannel && !this.displaceOne(ofChannel)) return null;
    }
    if (this.taken.size >= this.most && !this.displaceOne([...this.taken])) return null;
    const turn: Turn = {
      ...{ client, channel, isKept },
      ...{ movedAtMs: this.now(), arrival: this.arrivals++, displaced: new AbortController() },
    };
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

  /** @returns false where none of them may be given up */
  private displaceOne(among: readonly Turn[]): boolean {
    const open = among.filter((turn) => !turn.isKept());
    const ofClient = countBy(open, ({ client }) => client);
    const ofBoth = countBy(open, bothOf);
    const goesBefore = (a: Turn, b: Turn): number =>
      ofClient.get(b.client)! - ofClient.get(a.client)! ||
      ofBoth.get(bothOf(b))! - ofBoth.get(bothOf(a))! ||
      a.movedAtMs - b.movedAtMs ||
      a.arrival - b.arrival;
    const [first, ...others] = open;
    if (!first) return false;
    const goes = others.reduce((one, other) => (goesBefore(other, one) < 0 ? other : one), first);
    this.taken.delete(goes);
    goes.displaced.abort();
    return true;
  }
}

const bothOf = ({ client, channel }: Holder): string => `${client} ${channel}`;

const countBy = (turns: readonly Turn[], keyOf: (turn: Turn) => string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const turn of turns) counts.set(keyOf(turn), (counts.get(keyOf(turn)) ?? 0) + 1);
  return counts;
};
