import { SwarmError, redacted } from '../../domain';
import type { Logger } from '../../platform/logger';
import { Backoff, pause } from '../../platform/retry';
import type { RelayLink } from './relay-link';
import { showLife } from './sent-packets';
import type { Stretch, StretchEntry } from './stretch';

/** First and longest pause before the next try. */
const PAUSES = { firstMs: 20, longestMs: 1_000 };
/** How long a relay may take to answer a contribution that has ended. */
const ANSWER_MS = 5_000;

/** The GOPs of a channel, as the source numbers them: see ChannelTimeline. */
export interface DeliveredTimeline {
  heard(nextGop: number): void;
  entryFor(gop: number): StretchEntry | null;
  noteSending(stretch: Stretch): void;
  untilChanged(signal: AbortSignal): Promise<void>;
}

export interface DeliveryOptions {
  id: string;
  gopDurationTicks: number;
  relay: RelayLink;
  /** All relays, this one among them. */
  relays: readonly RelayLink[];
  timeline: DeliveredTimeline;
  log: Logger;
}

/** Brings the GOPs of one channel to one relay, from the first one that it lacks on, again and again until stopped. */
export class Delivery {
  /** The first GOP that the relay may not have. */
  reachedGop = 0;
  /** What went wrong last, while it has not gone well since. */
  error: string | undefined;
  private sent: Stretch | null = null;
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;

  constructor(private readonly options: DeliveryOptions) {
    this.done = Promise.resolve().then(() => this.run());
  }

  get isSending(): boolean {
    return this.sent !== null;
  }

  /** @param limitMs for what is on its way */
  async stop(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), this.isSending ? limitMs : 0);
    if (this.isSending) await this.idle();
    clearTimeout(timer);
    this.stopping.abort();
    await this.done;
  }

  private onIdle: (() => void) | null = null;

  private async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { id, log, relay } = this.options;
    const backoff = new Backoff(PAUSES);
    while (!signal.aborted) {
      try {
        await this.deliver();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.error = redacted(error instanceof Error ? error.message : String(error));
        const pauseMs = backoff.nextMs();
        log.warn({ channel: id, relay: relay.name, error: this.error, pauseMs }, 'contribution ended');
        await pause(pauseMs, signal);
      }
    }
  }

  /** One stretch, as far as the relay lacks it. Resolves once the relay has had all of it, or on stop. */
  private async deliver(): Promise<void> {
    const { id, gopDurationTicks, relay, timeline } = this.options;
    const { signal } = this.stopping;
    const at = await relay.addChannel(id, gopDurationTicks, signal);
    this.reachedGop = at.nextGop;
    if (at.ingestConnected)
      throw new SwarmError('conflict', `The relay still holds another contribution of ${id}.`);
    timeline.heard(at.nextGop);
    await this.tellSplices();
    let entry = timeline.entryFor(at.nextGop);
    while (!entry && !signal.aborted) {
      await timeline.untilChanged(signal);
      entry = timeline.entryFor(at.nextGop);
    }
    if (entry && !signal.aborted) await this.send(entry);
  }

  /** What operators have set while the relay was away, as far as it is not over. */
  private async tellSplices(): Promise<void> {
    const { id, relay, relays } = this.options;
    const { signal } = this.stopping;
    const others = relays.filter((other) => other !== relay);
    const known = (await Promise.all(others.map((other) => other.splices(id, signal)))).flat();
    if (known.length > 0) await relay.tellSplices(id, known, signal);
  }

  private async send({ stretch, group, gop, sourceTicks }: StretchEntry): Promise<void> {
    const { id, relay, timeline } = this.options;
    const ingest = relay.openIngest(id, { gop, sourceTicks });
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const { signal } = this.stopping;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const aborted = new Promise<'aborted'>((resolve) =>
      ending.signal.addEventListener('abort', () => resolve('aborted'), { once: true }),
    );
    let timer: NodeJS.Timeout | undefined;
    this.sent = stretch;
    try {
      showLife(ingest.stream, ending.signal);
      const all = stretch.spool.sendTo(ingest.stream, group, ending.signal, () => stretch.end);
      all.catch(() => undefined);
      this.error = undefined;
      timeline.noteSending(stretch);
      await Promise.race([all, ingest.finished, aborted]);
      if (ending.signal.aborted) return;
      ingest.stream.end();
      timer = setTimeout(end, ANSWER_MS);
      await Promise.race([ingest.finished, aborted]);
      this.reachedGop = stretch.nextGop;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      this.sent = null;
      end();
      ingest.cut();
      this.onIdle?.();
    }
  }
}
