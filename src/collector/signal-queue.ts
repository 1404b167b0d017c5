import { withinDeadline } from '../platform/deadline';
import type { Logger } from '../platform/logger';
import { Backoff } from '../platform/retry';
import type { SentinelEvent } from './sentinel';

/** Delivers one event to the swarm workflow. */
export interface SignalSender {
  send(event: SentinelEvent): Promise<void>;
  close(): Promise<void>;
}

export const MAX_WAITING = 100;
const RETRY_PAUSES = { firstMs: 250, longestMs: 4_000 };
/** By then the control cycles have found out by themselves. */
const EXPIRES_MS = 120_000;
const SEND_LIMIT_MS = 5_000;

export interface SignalQueueStatus {
  delivered: number;
  waiting: number;
  /** Given up: too many waited, or nobody took them for two minutes. */
  dropped: number;
}

/**
 * Delivers events in order, each until it is accepted. The sender is made on first use: its client is heavy, and
 * most processes never lose an encoder.
 */
export class SignalQueue {
  private readonly waiting: SentinelEvent[] = [];
  private sender: Promise<SignalSender> | null = null;
  private delivering = false;
  private wake: (() => void) | null = null;
  private closed = false;
  private delivered = 0;
  private dropped = 0;

  constructor(
    private readonly connect: () => Promise<SignalSender>,
    private readonly log: Logger,
  ) {}

  get status(): SignalQueueStatus {
    return { delivered: this.delivered, waiting: this.waiting.length, dropped: this.dropped };
  }

  push(event: SentinelEvent): void {
    if (this.closed) return;
    this.waiting.push(event);
    if (this.waiting.length > MAX_WAITING) {
      this.waiting.shift();
      this.dropped += 1;
    }
    if (!this.delivering) void this.deliver();
  }

  /** Makes the sender before it is needed, so that the first loss is reported without delay. */
  async warmUp(): Promise<void> {
    if (!this.closed) await this.connected().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake?.();
    const sender = await this.sender?.catch(() => null);
    await sender?.close();
  }

  private async deliver(): Promise<void> {
    this.delivering = true;
    const backoff = new Backoff(RETRY_PAUSES);
    while (this.waiting.length > 0 && !this.closed) {
      const event = this.waiting[0] as SentinelEvent;
      try {
        const sender = await this.connected();
        await withinDeadline('Temporal', SEND_LIMIT_MS, sender.send(event));
        this.delivered += 1;
        this.remove(event);
        backoff.reset();
      } catch (error) {
        this.log.warn({ err: error, signal: event.signal }, 'signal not delivered yet');
        if (Date.now() - event.payload.atMs > EXPIRES_MS) {
          this.dropped += 1;
          this.remove(event);
          continue;
        }
        await this.pause(backoff.nextMs());
      }
    }
    this.delivering = false;
  }

  /** It may have been pushed out meanwhile. */
  private remove(event: SentinelEvent): void {
    const index = this.waiting.indexOf(event);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  private connected(): Promise<SignalSender> {
    this.sender ??= this.connect().catch((error: unknown) => {
      this.sender = null;
      throw error;
    });
    return this.sender;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
