import type { GopLedger, GopPictures } from '../../contracts/relay';
import { gopOf, gopStartTicks } from '../../domain';
import { ptsLedgerHash } from '../mpegts';
import { PictureArrivals } from './picture-arrivals';
import { SplicePlan } from './splice-plan';

/** Collects the presentation times of each GOP and seals them in order. */
export class GopLedgers {
  /** Presentation times of GOPs not sealed yet. */
  private readonly open = new Map<number, number[]>();
  private readonly arrivals: PictureArrivals;
  private readonly announced = new Map<number, GopLedger>();
  private next: number;

  /** `keptGops`: how many sealed ledgers are remembered; `plan`: what is to be cut in the channel. */
  constructor(
    private readonly gopDurationTicks: number,
    firstGop: number,
    private readonly keptGops: number,
    private readonly plan = new SplicePlan(),
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.next = firstGop;
    this.arrivals = new PictureArrivals(monotonicMs);
  }

  /** The GOP to be sealed next. */
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
  add(ptsTicks: number, dtsTicks: number): GopLedger[] {
    const gop = gopOf(ptsTicks, this.gopDurationTicks);
    const times = this.open.get(gop);
    if (times) times.push(ptsTicks);
    else this.open.set(gop, [ptsTicks]);
    this.arrivals.add(gop, ptsTicks);
    const sealed: GopLedger[] = [];
    while (dtsTicks >= gopStartTicks(this.next + 1, this.gopDurationTicks)) sealed.push(this.sealNext());
    return sealed;
  }

  /** Forgets the pictures of the GOPs not sealed. */
  dropOpen(): void {
    this.open.clear();
    this.arrivals.dropFrom(this.next);
  }

  /** Takes on the ledgers of an earlier run, ascending. */
  restore(ledgers: readonly GopLedger[]): void {
    for (const ledger of ledgers) if (ledger.gop < this.next) this.announce(ledger);
  }

  /** Makes a sealed ledger known to readers. */
  announce(ledger: GopLedger): void {
    this.announced.set(ledger.gop, ledger);
    for (const gop of this.announced.keys()) {
      if (this.announced.size <= this.keptGops) break;
      this.announced.delete(gop);
    }
  }

  get(gop: number): GopLedger | undefined {
    return this.announced.get(gop);
  }

  /** What has arrived of a GOP of late, whether it is sealed or not; undefined before its first picture. */
  picturesOf(gop: number): GopPictures | undefined {
    return this.arrivals.of(gop);
  }

  /** Ledgers of GOPs in [from, to), ascending. */
  between(from: number, to: number): GopLedger[] {
    return [...this.announced.values()].filter(({ gop }) => gop >= from && gop < to);
  }

  private sealNext(): GopLedger {
    const gop = this.next++;
    const ptsTicks = (this.open.get(gop) ?? []).sort((a, b) => a - b);
    this.open.delete(gop);
    const [beginTicks, endTicks] = [gop, gop + 1].map((g) => gopStartTicks(g, this.gopDurationTicks));
    const cuts = this.plan.settle(beginTicks!, endTicks!, ptsTicks);
    return { gop, ptsTicks, sha256: ptsLedgerHash(ptsTicks), sealedAtMs: Date.now(), ...cuts };
  }
}
