import type { LowLatency } from '../../contracts/origin';
import { gopStartTicks } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import { Deadline } from '../../platform/deadline';
import type { Logger } from '../../platform/logger';
import { pause, retried } from '../../platform/retry';
import { askForPartials, putPartial, type PutOutcome, type Publication } from './origin-client';
import type { PartialGop } from './types';

/** A stretch that the origin could not take is offered so often, in all. */
const MOST_ATTEMPTS = 3;
const RETRY_PAUSE_MS = 100;
/** An origin that can't be asked now is asked again: else there would be no parts until the next move. */
const ASK_PAUSES = { firstMs: 250, longestMs: 5_000 };

export interface PartialPublisherOptions {
  to: Publication;
  gopDurationTicks: number;
  /** The GOP that is published next: those before it are at the origin. */
  nextGop: () => number;
  /** See EncodeSupervisor. */
  takePartial: (gop: number, fromTicks: number, nearTicks: number) => PartialGop | 'undivided' | null;
  cutsIn: (gop: number) => number[];
  log: Logger;
}

interface Progress {
  gop: number;
  /** Partial segments that are at the origin. */
  count: number;
  /** Channel time up to which they go. */
  untilTicks: number;
  /** No more of this GOP before it is whole. */
  over: boolean;
}

/**
 * Publishes a GOP while it is encoded, in stretches as long as the origin wants them; where it wants none, it does nothing.
 * The whole GOP follows in any case (GopPublisher), so whatever goes wrong here costs latency alone: then there is no
 * further stretch of this GOP.
 */
export class PartialPublisher {
  private publishing: AbortController | null = null;
  private wantedTicks = 0;
  private token = 0;
  private progress: Progress | null = null;
  private busy = false;
  /** The stretch on its way to the origin. */
  private underWay: { gop: number; giveUp: AbortController } | null = null;

  constructor(private readonly options: PartialPublisherOptions) {}

  /** Asks the origin what it wants, and goes on from there with a token: also in the midst of a GOP. */
  begin(token: number): void {
    this.stop();
    const publishing = new AbortController();
    this.publishing = publishing;
    this.token = token;
    void this.ask(publishing.signal).then((wanted) => {
      if (publishing.signal.aborted || !wanted) return;
      const { partialTicks, open } = wanted;
      this.wantedTicks = partialTicks;
      if (open)
        this.progress = {
          ...{ gop: open.gop, count: open.partials, untilTicks: open.untilTicks, over: false },
        };
      this.notify();
    });
  }

  stop(): void {
    this.publishing?.abort();
    this.publishing = null;
    this.wantedTicks = 0;
    this.progress = null;
  }

  /** More may have been encoded, or a GOP was published. */
  notify(): void {
    // Once its GOP is public, nobody needs a stretch of it any more.
    if (this.underWay && this.underWay.gop < this.options.nextGop()) this.underWay.giveUp.abort();
    if (this.wantedTicks === 0 || this.busy || !this.publishing) return;
    const { signal } = this.publishing;
    this.busy = true;
    void this.publishAll(signal).finally(() => {
      this.busy = false;
      // What came meanwhile under another token found it busy.
      if (signal.aborted) this.notify();
    });
  }

  /** What the origin wants; null: nothing, or it is no longer asked for. */
  private async ask(signal: AbortSignal): Promise<LowLatency | null> {
    const attempt = async (): Promise<LowLatency | null> =>
      (await askForPartials(this.options.to, signal)).lowLatency ?? null;
    return retried(attempt, { ...ASK_PAUSES, signal }).catch(() => null);
  }

  private async publishAll(signal: AbortSignal): Promise<void> {
    for (let next = this.next(); next; next = this.next()) {
      const { progress, partial } = next;
      const outcome = await this.put(progress.count, partial, signal);
      if (signal.aborted) return;
      if (outcome.kind === 'stored') {
        progress.count += 1;
        progress.untilTicks = partial.untilTicks;
      } else {
        progress.over = true;
        const why = outcome.kind === 'refused' ? outcome.error.message : outcome.why;
        this.options.log.info({ gop: partial.gop, why }, 'no further partial segment of this GOP');
      }
    }
  }

  /** What can be published now. */
  private next(): { progress: Progress; partial: PartialGop } | null {
    const { gopDurationTicks, nextGop, takePartial } = this.options;
    const gop = nextGop();
    if (this.progress?.gop !== gop) {
      this.progress = { gop, count: 0, untilTicks: gopStartTicks(gop, gopDurationTicks), over: false };
    }
    const { progress } = this;
    const nearTicks = this.boundaryAfter(progress);
    if (progress.over || nearTicks === null) return null;
    const partial = takePartial(gop, progress.untilTicks, nearTicks);
    if (partial === 'undivided') progress.over = true;
    return partial === 'undivided' || partial === null ? null : { progress, partial };
  }

  /** Where the next stretch ends; null where that is the end of the GOP, which comes with it. */
  private boundaryAfter({ gop, untilTicks }: Progress): number | null {
    const [cut] = this.options.cutsIn(gop);
    // Behind a splice another segment begins, which comes whole.
    if (cut !== undefined && cut <= untilTicks) return null;
    const wanted = untilTicks + this.wantedTicks;
    const boundary = cut === undefined ? wanted : Math.min(cut, wanted);
    return boundary < gopStartTicks(gop + 1, this.options.gopDurationTicks) ? boundary : null;
  }

  /** Takes no longer than a GOP lasts: what comes after it would wait for it. */
  private async put(index: number, partial: PartialGop, signal: AbortSignal): Promise<PutOutcome> {
    const giveUp = new AbortController();
    const deadline = new Deadline(ticksToMs(this.options.gopDurationTicks), signal, giveUp.signal);
    this.underWay = { gop: partial.gop, giveUp };
    try {
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await putPartial(this.options.to, this.token, index, partial, deadline.signal);
        if (outcome.kind !== 'no-answer' || attempt >= MOST_ATTEMPTS || deadline.signal.aborted)
          return outcome;
        await pause(RETRY_PAUSE_MS, deadline.signal);
      }
    } finally {
      this.underWay = null;
      deadline.end();
    }
  }
}
