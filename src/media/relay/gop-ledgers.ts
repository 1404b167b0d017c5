import type { GopLedger, GopPictures } from '../../contracts/relay';
import { gopOf, gopStartTicks } from '../../domain';
import { ptsLedgerHash } from '../mpegts';
import { OpenGops, type CompleteGop } from './open-gops';
import { PictureArrivals } from './picture-arrivals';
import { SplicePlan } from './splice-plan';

/** Collects the presentation times of each GOP and seals them in order. */
export class GopLedgers {
  private readonly gops: OpenGops;
  private readonly arrivals: PictureArrivals;
  private readonly announced = new Map<number, GopLedger>();

  /** `keptGops`: how many sealed ledgers are remembered; `plan`: what is to be cut in the channel. */
  constructor(
    private readonly gopDurationTicks: number,
    firstGop: number,
    private readonly keptGops: number,
    private readonly plan = new SplicePlan(),
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.gops = new OpenGops(gopDurationTicks, firstGop);
    this.arrivals = new PictureArrivals(monotonicMs);
  }

  /** The GOP to be sealed next. */
  get nextGop(): number {
    return this.gops.nextGop;
  }

  /** True if a picture decoded at this time would end a GOP in which no picture is presented. */
  wouldEndEmptyGop(dtsTicks: number): boolean {
    return this.gops.wouldEndEmptyGop(dtsTicks);
  }

  /** Notes a picture; returns the GOPs that its decoding time shows to be complete. */
  add(ptsTicks: number, dtsTicks: number): GopLedger[] {
    this.arrivals.add(gopOf(ptsTicks, this.gopDurationTicks), ptsTicks);
    return this.gops.add(ptsTicks, dtsTicks).map((complete) => this.seal(complete));
  }

  /** Forgets the pictures of the GOPs not sealed. */
  dropOpen(): void {
    this.gops.drop();
    this.arrivals.dropFrom(this.nextGop);
  }

  /** The next GOP to be sealed is a later one: those before it never come. */
  skipTo(gop: number): void {
    this.gops.skipTo(gop);
  }

  /** Takes on the ledgers of an earlier run, ascending. */
  restore(ledgers: readonly GopLedger[]): void {
    for (const ledger of ledgers) if (ledger.gop < this.nextGop) this.announce(ledger);
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

  private seal({ gop, ptsTicks }: CompleteGop): GopLedger {
    const [beginTicks, endTicks] = [gop, gop + 1].map((g) => gopStartTicks(g, this.gopDurationTicks));
    const cuts = this.plan.settle(beginTicks!, endTicks!, ptsTicks);
    return { gop, ptsTicks, sha256: ptsLedgerHash(ptsTicks), sealedAtMs: Date.now(), ...cuts };
  }
}
