import { SwarmError } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import type { Logger } from '../../platform/logger';
import { Backoff } from '../../platform/retry';
import { SeveralAddresses } from '../../platform/several-addresses';
import { CutEncodes } from './cut-encodes';
import { EncodeRun, type RunEnd, type RunOptions } from './encode-run';
import { RenditionSpeeds, type RenditionSpeed } from './rendition-speeds';
import type { EncodedGop, PartialGop } from './types';

const RETRY_PAUSES = { firstMs: 100, longestMs: 2_000 };
/** More crashes than this within the window, and the session gives up. */
const MAX_CRASHES = 5;
const CRASH_WINDOW_MS = 30_000;

export interface SupervisorOptions extends Omit<
  RunOptions,
  'onEnd' | 'onRendition' | 'cutTicks' | 'onCuts' | 'hasOtherFeeds'
> {
  /** Feeds of the same channel at other relays, in the order in which they are read. */
  otherFeedUrls?: readonly string[] | undefined;
  log: Logger;
  /** What is public of the next GOP, where the session owns the channel. An encode goes on from there. */
  publicUpTo?: (() => Promise<PublicGop | null>) | undefined;
  onFailure(error: SwarmError): void;
}

/** The beginning of a GOP that is public, whoever encoded it. */
export interface PublicGop {
  gop: number;
  /** Channel time of the picture that follows. */
  untilTicks: number;
}

/**
 * Keeps one encode going: gives every GOP from `fromGop` on exactly once and in order, whatever becomes of ffmpeg
 * or the feed in between. After a break it encodes again from the first GOP that was not completed, with the one
 * before it, where the ring still has it, to warm the rate control. It gives up when the relay has lost the GOP
 * that comes next (gop-left-ring), or ffmpeg crashes over and over (session-failed).
 */
export class EncodeSupervisor {
  private run: EncodeRun | null = null;
  private retry: NodeJS.Timeout | null = null;
  private readonly backoff = new Backoff(RETRY_PAUSES);
  private crashesAtMs: number[] = [];
  private stopped = false;
  private runs = 0;
  private begun = 0;
  /** Complete GOPs that wait for a cut in the first of them. */
  private waiting: EncodedGop[] = [];
  private readonly cuts: CutEncodes;
  /** Some of this GOP was taken while no splice of it was known. */
  private takenUncutGop = -1;
  /** First GOP not given yet. */
  nextGop: number;
  /** Media seconds encoded per wall second over the last GOP; 1 until two have been completed. */
  realTimeRatio = 1;
  private completedAtMs: number | null = null;
  private readonly renditionSpeeds: RenditionSpeeds;
  private readonly feeds: SeveralAddresses;
  /** Feeds in a row that have failed, and how many of them have lost the GOP that is wanted. */
  private failedFeeds = 0;
  private lostFeeds = 0;

  constructor(private readonly options: SupervisorOptions) {
    this.nextGop = options.fromGop;
    this.feeds = new SeveralAddresses([options.feedUrl, ...(options.otherFeedUrls ?? [])]);
    this.renditionSpeeds = new RenditionSpeeds(options.renditions, options.gopDurationTicks);
    this.cuts = new CutEncodes({
      gopDurationTicks: options.gopDurationTicks,
      startRun: (own) => new EncodeRun({ ...this.options, ...this.feed, ...own }),
      onSettled: () => this.give(),
      log: options.log,
    });
  }

  /** First GOP that no run has completed. */
  private get dueGop(): number {
    return this.nextGop + this.waiting.length;
  }

  /** Begins; resolves once the relay has answered the first time, for good or ill. */
  start(): Promise<void> {
    return this.begin(this.options.fromGop);
  }

  stop(): void {
    this.stopped = true;
    this.cuts.restart();
    if (this.retry) clearTimeout(this.retry);
    this.run?.stop();
    this.run = null;
  }

  /** Encodes again from an earlier GOP (or goes ahead to a later one). */
  goTo(gop: number): void {
    this.nextGop = gop;
    this.takenUncutGop = -1;
    this.waiting = [];
    this.cuts.restart();
    this.restart(0);
  }

  /** The same by rendition, of those that have completed two GOPs. */
  get speeds(): RenditionSpeed[] {
    return this.renditionSpeeds.latest;
  }

  get pid(): number | undefined {
    return this.run?.pid;
  }

  isNearLiveEdge(): boolean {
    return this.run?.isNearLiveEdge() ?? false;
  }

  sealedAgoMs(gop: number): number | null {
    return this.run?.sealedAgoMs(gop) ?? null;
  }

  /** Where it reads now. */
  private get feed(): { feedUrl: string; hasOtherFeeds: boolean } {
    return { feedUrl: this.feeds.current, hasOtherFeeds: this.feeds.all.length > 1 };
  }

  private async begin(runFromGop: number): Promise<void> {
    const begun = (this.begun += 1);
    const begins = await this.options.publicUpTo?.();
    if (this.stopped || begun !== this.begun) return;
    const { feed } = this;
    const run: EncodeRun = new EncodeRun({
      ...this.options,
      ...feed,
      fromGop: runFromGop,
      ...(begins && begins.gop >= runFromGop && { cutTicks: [begins.untilTicks] }),
      onGop: (gop) => this.completed(run, gop),
      onCuts: (mark) => {
        this.cuts.tell(mark);
        this.lookForCuts();
        this.give();
      },
      onRendition: (index) => this.renditionSpeeds.completed(index),
      onEnd: (end) => this.ended(runFromGop, feed.feedUrl, end),
    });
    this.run = run;
    this.runs += 1;
    this.completedAtMs = null;
    this.renditionSpeeds.restart();
    await run.start();
  }

  private restart(delayMs: number, { warmUp = true } = {}): void {
    if (this.retry) clearTimeout(this.retry);
    this.run?.stop();
    this.run = null;
    const begin = (): void => {
      this.retry = null;
      void this.begin(warmUp && this.dueGop > 0 ? this.dueGop - 1 : this.dueGop);
    };
    if (delayMs === 0) begin();
    else this.retry = setTimeout(begin, delayMs);
  }

  private completed(run: EncodeRun, gop: EncodedGop): void {
    this.measure();
    if (gop.gop < this.dueGop) return;
    if (gop.gop > this.dueGop) {
      this.crashed(`GOP ${gop.gop} came where ${this.dueGop} was due`);
      return;
    }
    this.waiting.push(gop);
    this.backoff.reset();
    this.failedFeeds = this.lostFeeds = 0;
    this.lookForCuts();
    this.give();
    // The last GOP of a run is never cut off by a next one: encode it again as the first of a new run.
    if (this.run === run && this.dueGop >= run.endGop - 1) this.restart(0);
  }

  /**
   * Takes what is encoded of the next GOP: see EncodeRun. One with a splice in it is taken as it is cut there, unless some
   * of it was taken before the splice was known.
   */
  takePartial(gop: number, fromTicks: number, nearTicks: number): PartialGop | 'undivided' | null {
    if (gop !== this.nextGop) return null;
    const cut = this.takenUncutGop === gop ? undefined : this.cuts.runOf(gop);
    if (cut) return cut.takePartial(gop, fromTicks, nearTicks);
    const taken = this.run?.takePartial(gop, fromTicks, nearTicks) ?? null;
    if (taken !== null && taken !== 'undivided') this.takenUncutGop = gop;
    return taken;
  }

  /** Channel times within a GOP at which it is cut, ascending. */
  cutsIn(gop: number): number[] {
    return this.takenUncutGop === gop ? [] : this.cuts.ticksIn(gop);
  }

  /** Gives the GOPs that are complete, in order; one with a splice in it as it is cut there. */
  private give(): void {
    for (let [first] = this.waiting; first && !this.stopped; [first] = this.waiting) {
      const cut = first.gop === this.takenUncutGop ? 'none' : this.cuts.resultOf(first.gop);
      if (cut === null) return;
      this.waiting.shift();
      this.nextGop += 1;
      this.options.onGop(cut === 'none' ? first : cut);
    }
  }

  /** GOPs that wait are looked at too: a cut of one may still be under way. */
  private lookForCuts(): void {
    this.cuts.look(this.nextGop, this.dueGop);
  }

  private measure(): void {
    const now = performance.now();
    if (this.completedAtMs !== null) {
      const mediaMs = ticksToMs(this.options.gopDurationTicks);
      this.realTimeRatio = mediaMs / Math.max(1, now - this.completedAtMs);
    }
    this.completedAtMs = now;
  }

  private ended(runFromGop: number, feedUrl: string, end: RunEnd): void {
    if (this.stopped) return;
    if (end.kind === 'crashed') {
      this.crashed(end.message);
      return;
    }
    const error = end.kind === 'refused' ? end.error : null;
    const isLost = error?.code === 'gop-left-ring';
    this.failedFeeds += 1;
    if (isLost && runFromGop >= this.dueGop) this.lostFeeds += 1;
    this.feeds.leave(feedUrl);
    // The next relay is asked at once, until all have been: they have the same.
    if (this.failedFeeds % this.feeds.all.length !== 0) {
      this.options.log.warn(
        { why: error?.message ?? 'the feed ended', nextGop: this.nextGop },
        'goes on at another relay',
      );
      this.restart(0);
    } else if (error) this.refused(runFromGop, error);
    else this.tryAgain('the feed ended');
  }

  private refused(runFromGop: number, error: SwarmError): void {
    const allHaveLostIt = this.lostFeeds >= this.feeds.all.length;
    if (error.code === 'gop-left-ring' && runFromGop < this.dueGop) this.restart(0, { warmUp: false });
    else if (error.code === 'gop-left-ring' && allHaveLostIt) this.giveUp(this.leftRing(error));
    // Later on, a relay that has lost its channels for a while is waited for.
    else if (this.runs <= this.feeds.all.length && error.code !== 'unavailable') this.giveUp(error);
    else this.tryAgain(error.message);
  }

  private leftRing({ details, hint }: SwarmError): SwarmError {
    const oldest =
      typeof details?.oldestGop === 'number' ? `; the oldest there is GOP ${details.oldestGop}` : '';
    const message = `GOP ${this.nextGop} has left the relay's ring${oldest}.`;
    return new SwarmError(
      'gop-left-ring',
      message,
      hint ?? 'Declare a gap up to a GOP that is there.',
      details,
    );
  }

  private crashed(message: string): void {
    const now = performance.now();
    this.crashesAtMs = [...this.crashesAtMs.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.crashesAtMs.length <= MAX_CRASHES) {
      this.tryAgain(message);
      return;
    }
    this.giveUp(
      new SwarmError(
        'session-failed',
        `The encode of GOP ${this.nextGop} failed ${this.crashesAtMs.length} times within ` +
          `${CRASH_WINDOW_MS / 1000} s; last: ${message}.`,
        'See whether the contribution can be decoded; recover the channel on another encoder.',
      ),
    );
  }

  private tryAgain(why: string): void {
    const delayMs = this.backoff.nextMs();
    this.options.log.warn({ why, nextGop: this.nextGop, inMs: delayMs }, 'encode broke off');
    this.restart(delayMs);
  }

  private giveUp(error: SwarmError): void {
    this.stop();
    this.options.onFailure(error);
  }
}
