import { z } from 'zod';
import { isLeaderAway, isOfOneReplica } from '../../contracts/replica-refusals';
import { SwarmError, passingCodes } from '../../domain';
import { Backoff } from '../../platform/retry';
import { SeveralAddresses } from '../../platform/several-addresses';
import type { HeldGops } from './held-gops';
import { putGop, type Publication } from './origin-client';

const RETRY_PAUSES = { firstMs: 50, longestMs: 1_000 };

const orderDetailsSchema = z.object({ nextGop: z.int().min(0) });

export interface PublisherOptions {
  to: Publication;
  held: HeldGops;
  /** First GOP that the encode has not completed yet. */
  nextEncodedGop(): number;
  onPublished(gop: number, bytes: number): void;
  /** The origin has another owner; `gop` is the first that it refused. */
  onFenced(gop: number): void;
  /** A GOP is wanted that is neither held nor coming: encode again from it. */
  onMissing(gop: number): void;
  onFailure(error: SwarmError): void;
}

/**
 * Publishes the GOPs of a session strictly in order, from the GOP of its commit on. Waits out an origin that can't
 * be reached, gives way to another owner, and follows the origin where it says that another GOP is next.
 */
export class GopPublisher {
  token = 0;
  /** Next GOP to publish. */
  nextGop = 0;
  private publishing: AbortController | null = null;
  private encodedAnewGop: number | null = null;
  private wake: (() => void) | null = null;
  private readonly origins: SeveralAddresses;

  constructor(private readonly options: PublisherOptions) {
    const { originUrl, otherOriginUrls = [] } = options.to;
    this.origins = new SeveralAddresses([originUrl, ...otherOriginUrls]);
  }

  /** Publishes from a GOP on with a token; a publication under an earlier token is broken off. */
  begin(token: number, firstGop: number): void {
    this.stop();
    this.token = token;
    this.nextGop = firstGop;
    this.encodedAnewGop = null;
    const publishing = new AbortController();
    this.publishing = publishing;
    void this.publish(publishing.signal);
  }

  stop(): void {
    this.publishing?.abort();
    this.publishing = null;
    this.notify();
  }

  /** A GOP was added to those held. */
  notify(): void {
    this.wake?.();
  }

  private async publish(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY_PAUSES);
    let away = 0;
    let wasToldToAskAgain = false;
    while (!signal.aborted) {
      const held = this.options.held.get(this.nextGop);
      if (!held) {
        if (this.nextGop < this.options.nextEncodedGop()) this.options.onMissing(this.nextGop);
        if (!signal.aborted) await this.pause(null);
        continue;
      }
      const originUrl = this.origins.current;
      const outcome = await putGop({ ...this.options.to, originUrl }, this.token, held, signal);
      if (signal.aborted) return;
      if (outcome.kind === 'stored') {
        this.stored(outcome.bytes);
        backoff.reset();
        away = 0;
        wasToldToAskAgain = false;
      } else if (outcome.kind === 'refused' && isForgotten(outcome.error)) {
        this.fail(leftRing(this.nextGop, outcome.error));
      } else if (outcome.kind === 'refused' && isLeaderAway(outcome.error) && !wasToldToAskAgain) {
        // It takes the lead when it is asked again; the next origin would have to find out first.
        wasToldToAskAgain = true;
      } else if (outcome.kind === 'no-answer' || this.isPassing(outcome.error)) {
        wasToldToAskAgain = false;
        if (outcome.kind === 'no-answer' || isOfOneReplica(outcome.error)) {
          this.origins.leave(originUrl);
          away += 1;
        }
        // The next one is asked at once, until all have been.
        if (away % this.origins.all.length === 0) await this.pause(backoff.nextMs());
      } else this.refused(outcome.error);
    }
  }

  /** Refusals that end by themselves, or that another origin need not have. */
  private isPassing(error: SwarmError): boolean {
    return passingCodes.has(error.code) || (this.origins.all.length > 1 && isOfOneReplica(error));
  }

  private stored(bytes: number): void {
    const gop = this.nextGop;
    this.nextGop = gop + 1;
    this.options.held.delete(gop);
    this.options.onPublished(gop, bytes);
  }

  private refused(error: SwarmError): void {
    const { held } = this.options;
    if (error.code === 'stale-token') {
      this.stop();
      this.options.onFenced(this.nextGop);
    } else if (error.code === 'gop-exists') {
      this.goTo(this.nextGop + 1);
    } else if (error.code === 'out-of-order') {
      const details = orderDetailsSchema.safeParse(error.details);
      if (details.success && details.data.nextGop !== this.nextGop) this.goTo(details.data.nextGop);
      else this.fail(error);
    } else if (isAboutTheBytes(error) && this.encodedAnewGop !== this.nextGop) {
      this.encodedAnewGop = this.nextGop;
      held.delete(this.nextGop);
      this.options.onMissing(this.nextGop);
    } else this.fail(error);
  }

  /** Goes on at the GOP that the origin waits for; those before it are on air already. */
  private goTo(gop: number): void {
    this.nextGop = gop;
    this.options.held.deleteBefore(gop);
  }

  private fail(error: SwarmError): void {
    this.stop();
    this.options.onFailure(error);
  }

  /** Waits until notified, or for a time. */
  private async pause(ms: number | null): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (ms !== null) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}

/** The relay has forgotten which pictures the GOP must hold: it can never be checked, so never be published. */
const isForgotten = ({ code, details }: SwarmError): boolean =>
  code === 'ledger-unavailable' && details?.cause === 'gop-left-ring';

const leftRing = (gop: number, cause: SwarmError): SwarmError =>
  new SwarmError('gop-left-ring', `GOP ${gop} came too late: ${cause.message}`, cause.hint);

/** Refusals of what was encoded; another encode may repair it. */
const isAboutTheBytes = (error: SwarmError): boolean =>
  error.code === 'malformed-segment' || error.code === 'ledger-mismatch';
