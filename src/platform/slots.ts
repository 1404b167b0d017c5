import { SwarmError } from '../domain';

/** A bound on how much of something runs at the same time: others wait in turn, and too many are refused. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param what what runs, in the plural, for refusals */
  constructor(
    private readonly what: string,
    private readonly limits: { atOnce: number; waiting: number },
  ) {}

  /** @throws SwarmError unavailable while too many wait; what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.limits.atOnce) await this.turn();
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  /** Whoever is let in takes the place of the one that has ended. */
  private turn(): Promise<void> {
    if (this.waiting.length >= this.limits.waiting)
      throw new SwarmError(
        'unavailable',
        `Too many ${this.what} at the same time.`,
        'Ask again in a moment.',
      );
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
