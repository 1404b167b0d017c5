import type { GopLedger } from '../../contracts/relay';
import { SwarmError, type Splice, type SpliceRequest } from '../../domain';
import { LimitedLog } from '../../platform/limited-log';
import type { Logger } from '../../platform/logger';
import { SerialQueue } from '../../platform/serial-queue';
import { MalformedTransportStream, parseSplice, type CutMark, type SpliceMessage } from '../mpegts';
import type { SpliceFile } from './splice-file';
import { SplicePlan, type PlanClock } from './splice-plan';

/** More than one mark can tell; older ones are of GOPs that have left the ring, or soon will. */
const SEALED_CUTS = 32;

export interface ChannelSplicesOptions {
  channelId: string;
  file: SpliceFile;
  /** What the last run left in the file. */
  known: readonly Splice[];
  /** Ledgers of the last run. */
  sealed: readonly GopLedger[];
  /** Rejects once another process may use the state. */
  requireLock: () => Promise<void>;
  /** The times at which segments are to be cut have changed. */
  onChange(): void;
  log: Logger;
}

/** The splices of one channel: from the contribution and from operators, kept on the disk, told to feeds and ledgers. */
export class ChannelSplices {
  readonly plan: SplicePlan;
  private readonly saves = new SerialQueue('relay');
  private closing: Promise<void> | undefined;
  private readonly limitedLog: LimitedLog;
  private saved: readonly Splice[];
  /** Cuts of GOPs that are sealed, for feeds that begin with those. */
  private sealedCuts: number[];

  constructor(private readonly options: ChannelSplicesOptions) {
    this.plan = new SplicePlan(options.known);
    this.saved = this.plan.known;
    this.sealedCuts = options.sealed.flatMap(({ cutTicks = [] }) => cutTicks).slice(-SEALED_CUTS);
    this.limitedLog = new LimitedLog(options.log);
  }

  /** A message of the contribution, whatever it is: one that can't be used is counted, and the channel goes on. */
  take(section: Buffer, clock: PlanClock): void {
    let message: SpliceMessage;
    try {
      message = parseSplice(section);
    } catch (error) {
      if (!(error instanceof MalformedTransportStream)) throw error;
      this.plan.setAside();
      const fields = { channel: this.options.channelId };
      this.limitedLog.write('warn', 'splice', fields, `A SCTE-35 message is set aside: ${error.message}`);
      return;
    }
    if (!this.plan.take(message, section, clock)) return;
    this.changed();
  }

  /**
   * What an operator asks for; durable once it resolves, unless the disk refuses.
   * @throws SwarmError conflict, at-capacity-limit
   */
  async ask(request: SpliceRequest, clock: PlanClock): Promise<Splice> {
    const splice = this.plan.ask(request, clock, Date.now());
    this.options.onChange();
    try {
      await this.save();
    } catch (err) {
      // It is done, and may be forgotten by a crash: better than a break that began and is refused.
      this.options.log.error({ err, channel: this.options.channelId }, 'splice not saved');
    }
    return splice;
  }

  /** What another relay knows of the same channel. */
  adopt(splices: readonly Splice[]): void {
    if (this.plan.adopt(splices)) this.changed();
  }

  /** A GOP is sealed: its cuts are known to the picture, and what is over needs no place any more. */
  sealed({ cutTicks = [] }: Pick<GopLedger, 'cutTicks'>, openTicks: number): void {
    this.sealedCuts = [...this.sealedCuts, ...cutTicks].slice(-SEALED_CUTS);
    const isLess = this.plan.forgetBefore(openTicks);
    if (isLess || this.plan.known.length > 0) this.saveLater();
  }

  /** What a feed is told: when segments are to be cut, from a channel time on. */
  markFrom(fromTicks: number, openTicks: number): CutMark {
    const sealed = this.sealedCuts.filter((ticks) => ticks >= fromTicks);
    const cutTicks = [...sealed, ...this.plan.cutTicks(Math.max(fromTicks, openTicks))];
    return { fromTicks, cutTicks };
  }

  /** Settles once what is known is on the disk. */
  close(): Promise<void> {
    // A channel that is removed while its relay ends is closed by both.
    this.closing ??= this.saves.close(() => Promise.resolve());
    return this.closing;
  }

  private changed(): void {
    this.options.onChange();
    this.saveLater();
  }

  private saveLater(): void {
    void this.save().catch((err: unknown) =>
      this.limitedLog.write('error', 'save', { err, channel: this.options.channelId }, 'splices not saved'),
    );
  }

  private save(): Promise<void> {
    return this.saves.run(async () => {
      const { known } = this.plan;
      if (this.saved === known) return;
      await this.options.requireLock();
      await this.options.file.save(known);
      this.saved = known;
    });
  }
}

export const noPicture = (channelId: string): SwarmError =>
  new SwarmError(
    'conflict',
    `Channel ${channelId} has no picture now, so no time can be named in it.`,
    'Wait until its contribution sends.',
  );
