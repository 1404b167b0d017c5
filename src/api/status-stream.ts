import type { RequestHandler, Response } from 'express';
import type { OriginFor } from '../config/public-origin';
import { SwarmError } from '../domain';
import { systemClock, type Clock } from '../platform/clock';

const PERIOD_MS = 1_000;
const MOST_READERS = 64;
/** A page that has not read this much is too slow: it misses events until it has caught up. */
const MOST_UNSENT_BYTES = 1 << 20;

/**
 * Server-sent events: one `status` event a second to every page that listens. One poll serves all of them, and none
 * runs while nobody listens.
 */
export class StatusEvents {
  /** With the origin's address for each. */
  private readonly readers = new Map<Response, string>();
  private cancel: (() => void) | null = null;
  private stopped = false;

  constructor(
    private readonly read: (originUrl: string) => Promise<unknown>,
    private readonly originAt: OriginFor,
    private readonly clock: Clock = systemClock,
  ) {}

  readonly handler: RequestHandler = (req, res) => {
    if (this.readers.size >= MOST_READERS || this.stopped) {
      throw new SwarmError(
        'unavailable',
        `${this.readers.size} pages listen already.`,
        'Close some of them.',
      );
    }
    res.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    res.write('retry: 2000\n\n');
    this.readers.set(res, this.originAt(req.headers.host));
    req.on('close', () => this.readers.delete(res));
    this.schedule(0);
  };

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    for (const res of this.readers.keys()) res.end();
    this.readers.clear();
  }

  private schedule(afterMs: number): void {
    if (this.cancel || this.stopped) return;
    this.cancel = this.clock.after(afterMs, () => {
      void this.push().finally(() => {
        this.cancel = null;
        if (this.readers.size > 0) this.schedule(PERIOD_MS);
      });
    });
  }

  private async push(): Promise<void> {
    const events = new Map<string, string>();
    for (const originUrl of new Set(this.readers.values()))
      events.set(originUrl, await this.event(originUrl));
    for (const [res, originUrl] of this.readers) {
      // One that came meanwhile, from elsewhere, is served the next time.
      const event = events.get(originUrl);
      if (event !== undefined && res.writableLength < MOST_UNSENT_BYTES) res.write(event);
    }
  }

  private async event(originUrl: string): Promise<string> {
    try {
      return `event: status\ndata: ${JSON.stringify(await this.read(originUrl))}\n\n`;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return `event: fault\ndata: ${JSON.stringify({ message })}\n\n`;
    }
  }
}
