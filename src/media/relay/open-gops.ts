import { gopOf, gopStartTicks } from '../../domain';

/** Presentation times of a GOP that is complete, ascending. */
export interface CompleteGop {
  gop: number;
  ptsTicks: number[];
}

/**
 * Which GOPs the pictures of a contribution have completed: the rule by which a relay seals, and the source numbers. A GOP is
 * complete once a picture is decoded at or after its end.
 */
export class OpenGops {
  /** Presentation times of GOPs that are not complete. */
  private readonly open = new Map<number, number[]>();

  constructor(
    private readonly gopDurationTicks: number,
    private next: number,
  ) {}

  /** The first GOP that is not complete. */
  get nextGop(): number {
    return this.next;
  }

  /** True if a picture decoded at this time would end a GOP in which no picture is presented. */
  wouldEndEmptyGop(dtsTicks: number): boolean {
    const end = gopOf(dtsTicks, this.gopDurationTicks);
    for (let gop = this.next; gop < end; gop++) if (!this.open.has(gop)) return true;
    return false;
  }

  /** Notes a picture; returns the GOPs that its decoding time shows to be complete. */
  add(ptsTicks: number, dtsTicks: number): CompleteGop[] {
    const gop = gopOf(ptsTicks, this.gopDurationTicks);
    const times = this.open.get(gop);
    if (times) times.push(ptsTicks);
    else if (gop >= this.next) this.open.set(gop, [ptsTicks]);
    const complete: CompleteGop[] = [];
    while (dtsTicks >= gopStartTicks(this.next + 1, this.gopDurationTicks)) complete.push(this.complete());
    return complete;
  }

  /** Forgets the pictures of the GOPs that are not complete. */
  drop(): void {
    this.open.clear();
  }

  /** Goes on at a later GOP. */
  skipTo(gop: number): void {
    this.drop();
    this.next = Math.max(this.next, gop);
  }

  private complete(): CompleteGop {
    const gop = this.next++;
    const ptsTicks = (this.open.get(gop) ?? []).sort((a, b) => a - b);
    this.open.delete(gop);
    return { gop, ptsTicks };
  }
}
