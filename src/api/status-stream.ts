import type { RequestHandler, Response } from 'express';
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
  private readonly readers = new Set<Response>();
  private cancel: (() => void) | null = null;
  private stopped = false;

  constructor(
    private readonly read: () => Promise<unknown>,
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
    this.readers.add(res);
    req.on('close', () => this.readers.delete(res));
    this.schedule(0);
  };

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    for (const res of this.readers) res.end();
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
    let event: string;
    try {
      event = `event: status\ndata: ${JSON.stringify(await this.read())}\n\n`;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      event = `event: fault\ndata: ${JSON.stringify({ message })}\n\n`;
    }
    for (const res of this.readers) if (res.writableLength < MOST_UNSENT_BYTES) res.write(event);
  }
}
