import type { ServerResponse } from 'node:http';
import type { GopLedger, GopPictures, RelayChannel as RelayChannelAnswer } from '../../contracts/relay';
import {
  SwarmError,
  TICKS_PER_SECOND,
  gopOf,
  gopStartTicks,
  type Splice,
  type SpliceRequest,
} from '../../domain';
import type { Logger } from '../../platform/logger';
import type { CutMark } from '../mpegts';
import { ChannelFeeds } from './channel-feeds';
import type { ChannelRecord } from './channel-files';
import { ChannelSplices, noPicture } from './channel-splices';
import { Contribution, type ContributionPlace } from './contribution';
import { GopLedgers } from './gop-ledgers';
import { LEDGER_RETENTION_RINGS, type RestoredRing, type RingStore } from './ring-store';
import type { SpliceFile } from './splice-file';
import type { StoredGop } from './stored-gop';
import { UnitRing, type ArrivedUnit, type RingUnit } from './unit-ring';

export interface RelayChannelOptions {
  id: string;
  record: ChannelRecord;
  ringSeconds: number;
  /** What the ring may take up now: a share of the part's budget. */
  ringMaxBytes: () => number;
  store: RingStore;
  /** What the last run left in the store. */
  restored: RestoredRing;
  /** The splices of the last run, and where they are kept. */
  splices: { file: SpliceFile; known: readonly Splice[] };
  /** Rejects once another process may use the state. */
  requireLock: () => Promise<void>;
  /** Makes the channel's next GOP number outlive the process, also where there is no room for GOPs. */
  saveRecord(record: ChannelRecord): Promise<void>;
  log: Logger;
}

/** A sealed GOP whose units are in the ring. */
type SealedGop = Omit<StoredGop, 'units'>;

/** While the disk refuses, GOPs are offered to it again with the next one, or after this pause. */
const SAVE_RETRY_MS = 1_000;

/** One channel: its ring, its ledgers, the contribution that fills them and the feeds that read them. */
export class RelayChannel {
  readonly id: string;
  readonly gopDurationTicks: number;
  /** SHA-256 of what the session that owns the channel shows with its feed; null before the origin has told it. */
  ownerProof: Buffer | null = null;
  private readonly ring: UnitRing;
  private readonly ledgers: GopLedgers;
  private readonly splices: ChannelSplices;
  private readonly feeds: ChannelFeeds;
  private readonly waiters = new Map<number, Set<() => void>>();
  private contribution: Contribution | undefined;
  private saving: Promise<void> = Promise.resolve();
  /** Sealed GOPs not on disk yet, ascending. */
  private unsaved: SealedGop[] = [];
  private saveRetry: NodeJS.Timeout | null = null;
  private resumeSourceTicks: number | null;
  private lastSealedGop: number | null;
  private lastIngestAtMs: number | null = null;
  private framesIn = 0;
  private closed = false;

  constructor(private readonly options: RelayChannelOptions) {
    const { record, ringSeconds, ringMaxBytes, restored } = options;
    this.id = options.id;
    this.gopDurationTicks = record.gopDurationTicks;
    const retentionTicks = ringSeconds * TICKS_PER_SECOND;
    this.ring = new UnitRing({
      retentionTicks,
      get maxBytes() {
        return ringMaxBytes();
      },
    });
    const keptGops = Math.ceil((LEDGER_RETENTION_RINGS * retentionTicks) / this.gopDurationTicks);
    const lastStored = restored.gops.at(-1);
    const nextGop = Math.max(record.nextGop, (lastStored?.ledger.gop ?? -1) + 1);
    const { splices, requireLock, log } = options;
    this.splices = new ChannelSplices({
      ...{ channelId: this.id, ...splices, sealed: restored.ledgers, requireLock, log },
      onChange: () => this.feeds.tellCuts(this.nextGop),
    });
    this.feeds = new ChannelFeeds({
      ...{ channelId: this.id, ring: this.ring, gopDurationTicks: this.gopDurationTicks, log },
      cutMark: (gop) => this.cutMark(gop),
    });
    this.ledgers = new GopLedgers(this.gopDurationTicks, nextGop, keptGops, this.splices.plan);
    this.ledgers.restore(restored.ledgers);
    this.lastSealedGop = nextGop > 0 ? nextGop - 1 : null;
    // GOPs that never came to the disk leave a hole that no feed can pass.
    const unbroken = lastStored?.ledger.gop === this.lastSealedGop;
    this.resumeSourceTicks = unbroken ? (lastStored?.sourceEndTicks ?? null) : null;
    if (unbroken) this.ring.restore(restored.gops.flatMap((gop) => gop.units));
  }

  get nextGop(): number {
    return this.ledgers.nextGop;
  }

  /** On disk. */
  get storedBytes(): number {
    return this.options.store.bytes;
  }

  get info(): RelayChannelAnswer {
    return {
      id: this.id,
      gopDurationTicks: this.gopDurationTicks,
      oldestGop: this.oldestGop ?? null,
      openGop: this.contribution?.started ? this.nextGop : null,
      lastSealedGop: this.lastSealedGop,
      nextGop: this.nextGop,
      resumeSourceTicks: this.resumeSourceTicks,
      unsavedGops: this.unsaved.length,
      ingestConnected: this.contribution !== undefined,
      lastIngestAtMs: this.lastIngestAtMs,
      framesIn: this.framesIn,
      splices: { ...this.splices.plan.counts },
    };
  }

  /**
   * Begins a contribution: where its sender says, or at the start of GOP `nextGop`.
   * @throws SwarmError conflict while another one is connected, if `nextGop` is not the one expected, or past that place.
   */
  beginContribution({
    expectedGop,
    place,
  }: { expectedGop?: number | undefined; place?: ContributionPlace | undefined } = {}): Contribution {
    if (this.contribution)
      throw new SwarmError(
        'conflict',
        `Channel ${this.id} already has a contribution connected.`,
        'End it first; one that died is noticed after a few seconds.',
      );
    const isMet = place ? place.gop >= this.nextGop : (expectedGop ?? this.nextGop) === this.nextGop;
    if (!isMet)
      throw new SwarmError(
        'conflict',
        `Channel ${this.id} goes on at GOP ${this.nextGop}, not at ${place?.gop ?? expectedGop}.`,
        'Ask for the channel again and begin at its nextGop.',
        { nextGop: this.nextGop },
      );
    let savedBeforeTicks = -Infinity;
    const contribution = new Contribution({
      ...{ ledgers: this.ledgers, gopDurationTicks: this.gopDurationTicks, place },
      onPicture: () => this.framesIn++,
      onUnit: (unit: ArrivedUnit) => this.ring.append(unit, unit.ptsTicks < savedBeforeTicks),
      onSplice: (section, nowTicks) => this.splices.take(section, { nowTicks, openTicks: this.openTicks }),
      onSealed: (ledger, sourceEndTicks) => this.seal({ ledger, sourceEndTicks }),
      onBreak: () => this.dropOpenGop('the source clock jumped'),
      onRejoin: (keyframeTicks) => {
        const wasThere = this.rejoin(place?.gop ?? this.nextGop, keyframeTicks);
        const unsavedGop = this.unsaved[0]?.ledger.gop ?? this.nextGop;
        if (wasThere) savedBeforeTicks = gopStartTicks(unsavedGop, this.gopDurationTicks);
        return wasThere;
      },
    });
    this.contribution = contribution;
    return contribution;
  }

  /** Takes the next bytes of the contribution. @throws MalformedTransportStream; SwarmError unknown-channel once deleted */
  pushContribution(contribution: Contribution, chunk: Buffer): void {
    if (this.closed) throw this.deleted();
    this.lastIngestAtMs = Date.now();
    contribution.push(chunk);
    this.feeds.pump();
  }

  /** Ends a contribution: the GOP not sealed is dropped and the feeds are closed. Settles once its ledgers are known. */
  async endContribution(contribution: Contribution): Promise<void> {
    if (contribution === this.contribution) {
      contribution.end();
      this.contribution = undefined;
      this.dropOpenGop('the contribution ended');
    }
    await this.saving;
  }

  /**
   * Serves a feed from GOP `gop` on until the response closes.
   * @throws SwarmError gop-left-ring with details.oldestGop
   */
  openFeed(gop: number, response: ServerResponse): void {
    const oldestGop = this.oldestGop ?? this.nextGop;
    if (gop < oldestGop) throw this.leftRing(gop, oldestGop);
    this.feeds.open(gop, response);
  }

  /**
   * Sets a splice that an operator asks for.
   * @throws SwarmError conflict, at-capacity-limit; unknown-channel once deleted
   */
  async splice(request: SpliceRequest): Promise<Splice> {
    if (this.closed) throw this.deleted();
    const nowTicks = this.contribution?.newestTicks;
    if (nowTicks === undefined) throw noPicture(this.id);
    return this.splices.ask(request, { nowTicks, openTicks: this.openTicks });
  }

  /** Splices that are not over. */
  get knownSplices(): readonly Splice[] {
    return this.splices.plan.known;
  }

  /** Takes splices that another relay knows. */
  adoptSplices(splices: readonly Splice[]): void {
    this.splices.adopt(splices);
  }

  /** What has arrived of a GOP of late, sealed or not. @throws SwarmError not-found */
  picturesOf(gop: number): GopPictures {
    const pictures = this.ledgers.picturesOf(gop);
    if (pictures) return pictures;
    throw new SwarmError('not-found', `No picture of GOP ${gop} has come of late.`, 'Ask for the open GOP.');
  }

  ledgersBetween(from: number, to: number): GopLedger[] {
    return this.ledgers.between(from, to);
  }

  /**
   * The ledger of a GOP, waiting until it is sealed.
   * @throws SwarmError timeout, gop-left-ring, or unknown-channel if the channel is deleted meanwhile
   */
  async ledgerOf(gop: number, waitMs: number, signal: AbortSignal): Promise<GopLedger> {
    if (this.lastSealedGop !== null && gop <= this.lastSealedGop && !this.ledgers.get(gop))
      throw this.leftRing(gop, this.oldestGop ?? this.nextGop);
    if (!this.ledgers.get(gop) && waitMs > 0) await this.waitForSeal(gop, waitMs, signal);
    const ledger = this.ledgers.get(gop);
    if (ledger) return ledger;
    if (this.closed) throw this.deleted();
    throw new SwarmError('timeout', `GOP ${gop} of channel ${this.id} is not sealed yet.`, 'Ask again.');
  }

  /** Ends everything that goes on in the channel; settles once its last GOPs are saved. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.saveRetry) clearTimeout(this.saveRetry);
    this.contribution = undefined;
    this.feeds.close();
    for (const waiting of this.waiters.values()) for (const wake of waiting) wake();
    await this.saving;
    await this.splices.close();
    await this.options.store.close();
  }

  /** Deletes what is kept on disk. Only once closed. */
  async deleteStored(): Promise<void> {
    await this.options.store.remove();
  }

  /** Where the first GOP begins that is not sealed. */
  private get openTicks(): number {
    return gopStartTicks(this.nextGop, this.gopDurationTicks);
  }

  /** What a feed is told of cuts from a GOP on. */
  private cutMark(gop: number): CutMark {
    const fromTicks = gopStartTicks(gop, this.gopDurationTicks);
    return this.splices.markFrom(fromTicks, this.openTicks);
  }

  private get oldestGop(): number | undefined {
    const oldest = this.ring.oldestKeyframeTicks;
    return oldest === undefined ? undefined : Math.ceil(oldest / this.gopDurationTicks);
  }

  private deleted(): SwarmError {
    return new SwarmError('unknown-channel', `Channel ${this.id} was deleted.`, 'Add the channel again.');
  }

  private leftRing(gop: number, oldestGop: number): SwarmError {
    return new SwarmError(
      'gop-left-ring',
      `GOP ${gop} of channel ${this.id} has left the ring; the oldest is ${oldestGop}.`,
      `Begin at GOP ${oldestGop}.`,
      { oldestGop },
    );
  }

  /**
   * A GOP and its number are on disk before anyone sees its ledger: what is published can be had again after a
   * crash, and no restart gives its number to other pictures. Where the disk refuses, the channel stays on air.
   */
  private seal(gop: SealedGop): void {
    this.unsaved.push(gop);
    this.splices.sealed(gop.ledger, this.openTicks);
    this.resumeSourceTicks = gop.sourceEndTicks;
    this.saving = this.saving.then(async () => {
      await this.saveUnsaved();
      await this.options
        .saveRecord({ gopDurationTicks: this.gopDurationTicks, nextGop: gop.ledger.gop + 1 })
        .catch((err: unknown) => this.options.log.error({ err, channel: this.id }, 'GOP number not saved'));
      this.ledgers.announce(gop.ledger);
      this.lastSealedGop = Math.max(this.lastSealedGop ?? 0, gop.ledger.gop);
      for (const wake of this.waiters.get(gop.ledger.gop) ?? []) wake();
    });
  }

  /** Writes all that is not on disk, in one go. */
  private async saveUnsaved(): Promise<void> {
    const oldestKeyframe = this.ring.oldestKeyframeTicks;
    const oldestGop =
      oldestKeyframe === undefined ? this.nextGop : gopOf(oldestKeyframe, this.gopDurationTicks);
    // What has left the ring meanwhile would only be dropped again.
    this.unsaved = this.unsaved.filter(({ ledger }) => ledger.gop >= oldestGop);
    const sealed = [...this.unsaved];
    const last = sealed.at(-1);
    if (!last) return;
    const units = this.ring.unsavedBefore(gopStartTicks(last.ledger.gop + 1, this.gopDurationTicks));
    const saved = await this.options.store.save(this.withUnits(sealed, units), oldestGop);
    if (saved) {
      for (const unit of units) unit.saved = true;
      this.unsaved = this.unsaved.slice(sealed.length);
    } else this.saveLater();
  }

  /** Each unit goes with the GOP in which it is presented; one that came late, with the first that is left. */
  private withUnits(sealed: readonly SealedGop[], units: readonly RingUnit[]): StoredGop[] {
    const first = sealed[0]!.ledger.gop;
    const byGop = sealed.map((): RingUnit[] => []);
    for (const unit of units)
      byGop[Math.max(0, gopOf(unit.ptsTicks, this.gopDurationTicks) - first)]!.push(unit);
    return sealed.map((gop, index) => ({ ...gop, units: byGop[index]! }));
  }

  private saveLater(): void {
    if (this.saveRetry || this.closed) return;
    this.saveRetry = setTimeout(() => {
      this.saveRetry = null;
      this.saving = this.saving.then(() => this.saveUnsaved());
    }, SAVE_RETRY_MS).unref();
  }

  private dropOpenGop(why: string): void {
    this.ledgers.dropOpen();
    const firstDropped = this.ring.dropFrom(gopStartTicks(this.nextGop, this.gopDurationTicks));
    this.feeds.endBefore(firstDropped);
    this.options.log.info({ channel: this.id, nextGop: this.nextGop, why }, 'contribution boundary');
  }

  /**
   * A sender that numbers GOPs itself begins with a keyframe at a channel time. What was there from that keyframe on comes
   * once more; where GOPs are left out, or the keyframe is not there, the ring begins anew, as no feed can pass the hole.
   * @returns whether the keyframe was there
   */
  private rejoin(gop: number, keyframeTicks: number): boolean {
    const isHole = gop > this.nextGop;
    if (isHole) {
      this.ledgers.skipTo(gop);
      this.lastSealedGop = gop - 1;
      this.options.log.warn({ channel: this.id, gop }, 'GOPs are left out: they come no more');
    } else if (keyframeTicks >= this.openTicks) return false;
    const end = this.ring.endSequence;
    const { wasThere, firstDropped } = this.ring.rewindTo(isHole ? null : keyframeTicks);
    if (firstDropped < end) this.feeds.endBefore(firstDropped);
    return wasThere;
  }

  private async waitForSeal(gop: number, waitMs: number, signal: AbortSignal): Promise<void> {
    const waiting = this.waiters.get(gop) ?? new Set();
    this.waiters.set(gop, waiting);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => settle(), waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        waiting.delete(settle);
        if (waiting.size === 0) this.waiters.delete(gop);
        resolve();
      };
      waiting.add(settle);
      signal.addEventListener('abort', settle);
      if (signal.aborted) settle();
    });
  }
}
