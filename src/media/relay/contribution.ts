import type { GopLedger } from '../../contracts/relay';
import { SwarmError, gopOf, gopStartTicks } from '../../domain';
import {
  STREAM_TYPE_SCTE_35,
  TransportStreamReader,
  retimePackets,
  sectionsOf,
  type PesUnit,
} from '../mpegts';
import { ContributionClock } from './contribution-clock';
import type { GopLedgers } from './gop-ledgers';
import type { ArrivedUnit } from './unit-ring';

/** Junk that an ingest may carry before it counts as no transport stream at all. */
const RESYNC_LIMIT_BYTES = 256 * 1024;

/** Where a sender that numbers GOPs itself goes on: its clock (33-bit) at the start of a GOP. */
export interface ContributionPlace {
  gop: number;
  sourceTicks: number;
}

export interface ContributionHandlers {
  ledgers: GopLedgers;
  gopDurationTicks: number;
  /** Absent: its first keyframe is where the next GOP begins, and so after each jump of its clock. */
  place?: ContributionPlace | undefined;
  /**
   * Its first keyframe has come, at this channel time, where the sender dictates it: what was there from then on is brought
   * once more. Returns whether that was there.
   */
  onRejoin?(keyframeTicks: number): boolean;
  onUnit(unit: ArrivedUnit): void;
  onPicture(): void;
  /** A SCTE-35 message, its times in channel time; `nowTicks`: the newest picture. */
  onSplice?(section: Buffer, nowTicks: number): void;
  /** `sourceEndTicks`: source clock at the end of the GOP, 33-bit. */
  onSealed(ledger: GopLedger, sourceEndTicks: number): void;
  /** The source clock jumped: what follows counts as a new contribution. Called before its first unit. */
  onBreak(): void;
}

/** One ingest: places its units on channel time and closes GOPs. */
export class Contribution {
  private readonly reader: TransportStreamReader;
  private clock: ContributionClock;
  private tables: Buffer = Buffer.alloc(0);
  private newest: number | undefined;
  private sealed = 0;
  private video = false;
  /** What comes before the first GOP that is not sealed was there already. */
  private isRejoined = false;

  constructor(private readonly handlers: ContributionHandlers) {
    this.clock = this.newClock();
    this.reader = new TransportStreamReader(
      {
        onUnit: (unit) => this.take(unit),
        onTables: (packets) => {
          this.tables = packets;
        },
      },
      { resyncLimitBytes: RESYNC_LIMIT_BYTES },
    );
  }

  /** True once its first keyframe has arrived. */
  get started(): boolean {
    return this.clock.started;
  }

  /** Channel time of its newest picture; undefined before the first. */
  get newestTicks(): number | undefined {
    return this.newest;
  }

  get sealedGops(): number {
    return this.sealed;
  }

  /** True if it held any video, of whatever kind of picture. */
  get holdsVideo(): boolean {
    return this.video;
  }

  /** @throws MalformedTransportStream */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  end(): void {
    this.reader.flush();
  }

  private newClock(): ContributionClock {
    const { ledgers, gopDurationTicks, place } = this.handlers;
    const { gop, sourceTicks } = place ?? { gop: ledgers.nextGop };
    return new ContributionClock(gopStartTicks(gop, gopDurationTicks), sourceTicks);
  }

  private take(unit: PesUnit): void {
    if (unit.kind === 'video') {
      this.video = true;
      if (this.isBreak(unit)) this.breakOff();
    }
    const wasStarted = this.clock.started;
    const times = this.clock.place(unit);
    if (!times) return;
    if (!wasStarted && this.handlers.place && this.handlers.onRejoin?.(times.ptsTicks)) {
      this.isRejoined = true;
      this.clock.keepLeading();
    }
    retimePackets(unit.packets, times.ptsTicks - unit.ptsTicks);
    const { kind, keyframe, packets } = unit;
    this.handlers.onUnit({ ...times, kind, keyframe, packets, tables: this.tables });
    const { ledgers, gopDurationTicks } = this.handlers;
    const wasThere = this.isRejoined && times.ptsTicks < gopStartTicks(ledgers.nextGop, gopDurationTicks);
    if (unit.streamType === STREAM_TYPE_SCTE_35 && !wasThere)
      for (const section of sectionsOf(packets))
        this.handlers.onSplice?.(section, this.newest ?? times.ptsTicks);
    if (kind !== 'video') return;
    this.newest = Math.max(this.newest ?? 0, times.ptsTicks);
    if (gopOf(times.ptsTicks, gopDurationTicks) < ledgers.nextGop) return;
    this.handlers.onPicture();
    for (const ledger of ledgers.add(times.ptsTicks, times.dtsTicks)) {
      this.sealed++;
      const endTicks = gopStartTicks(ledger.gop + 1, gopDurationTicks);
      this.handlers.onSealed(ledger, this.clock.sourceTicksAt(endTicks));
    }
  }

  /** @throws SwarmError conflict where the sender dictates the clock, and so would have to begin anew */
  private breakOff(): void {
    if (this.handlers.place)
      throw new SwarmError(
        'conflict',
        'The clock of the contribution jumps.',
        'Begin another one at the jump, at the first GOP that is not complete.',
      );
    this.handlers.onBreak();
    this.newest = undefined;
    this.clock = this.newClock();
  }

  /** A GOP without any picture could never be published, so a pause that long is a break too. */
  private isBreak(picture: PesUnit): boolean {
    if (!this.clock.started) return false;
    // A sender that dictates the clock says itself where it jumps: one picture that stands still may carry no time of decoding.
    return (
      (!this.handlers.place && this.clock.jumpsAt(picture)) ||
      this.handlers.ledgers.wouldEndEmptyGop(this.clock.timesOf(picture).dtsTicks)
    );
  }
}
