import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FEED_OFFSET_TICKS, SwarmError, httpStatusOf } from '../../../src/domain';
import { retimePackets } from '../../../src/media/mpegts';
import type { Contribution } from './contribution';

const TICK_MS = 20;

/** A relay's feed call over a recorded contribution, which comes in live from a chosen GOP on. */
export class FeedServer {
  /** First GOP that the ring still has. */
  oldestGop = 0;
  /** Answers every call with this refusal while set. */
  refusal: SwarmError | null = null;
  /** Breaks the feed, once, before this unit of the contribution. */
  cutBeforeUnit: number | null = null;
  readonly requestedGops: number[] = [];
  /** What was shown with each call, beside the token of the swarm. */
  readonly proofs: (string | undefined)[] = [];
  private readonly server: Server;
  private readonly answers = new Set<ServerResponse>();
  private startedAtMs = performance.now();
  private pausedAtMs: number | null = null;

  constructor(
    private readonly contribution: Contribution,
    private readonly gopDurationTicks: number,
    /** Channel time that has arrived when the server starts. */
    private readonly arrivedTicks: number,
    /** How fast the contribution comes in; 1 is live. */
    private readonly speed = 1,
  ) {
    this.server = createServer((req, res) => this.answer(req, res));
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/channels/ch-1/feed`;
  }

  /** Channel time that has arrived by now. */
  get liveTicks(): number {
    const now = this.pausedAtMs ?? performance.now();
    return this.arrivedTicks + (now - this.startedAtMs) * 90 * this.speed;
  }

  /** Wall clock (performance.now) at which a GOP was or will be complete at the server. */
  sealedAtMs(gop: number): number {
    return this.startedAtMs + ((gop + 1) * this.gopDurationTicks - this.arrivedTicks) / (90 * this.speed);
  }

  /** Stops the clock of the contribution. */
  pause(): void {
    this.pausedAtMs ??= performance.now();
  }

  resume(): void {
    if (this.pausedAtMs !== null) this.startedAtMs += performance.now() - this.pausedAtMs;
    this.pausedAtMs = null;
  }

  /** Ends the feeds under way, as when the contribution ends; `cut` breaks them amid a packet. */
  endFeeds(options: { cut?: boolean } = {}): void {
    for (const res of this.answers) {
      if (options.cut) res.socket?.destroy();
      else res.end();
    }
  }

  /** Video PTS of a GOP in channel time, ascending. */
  ptsOf(gop: number): number[] {
    const from = gop * this.gopDurationTicks;
    return this.contribution.units
      .filter((u) => u.kind === 'video' && u.ptsTicks >= from && u.ptsTicks < from + this.gopDurationTicks)
      .map((u) => u.ptsTicks)
      .sort((a, b) => a - b);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(req: IncomingMessage, res: ServerResponse): void {
    const gop = Number(new URL(req.url ?? '', 'http://feed').searchParams.get('from_gop'));
    this.requestedGops.push(gop);
    this.proofs.push(req.headers['x-feed-proof'] as string | undefined);
    const refusal =
      this.refusal ??
      (gop < this.oldestGop
        ? new SwarmError('gop-left-ring', `GOP ${gop} has left the ring.`, undefined, {
            oldestGop: this.oldestGop,
          })
        : null);
    if (refusal) {
      res.writeHead(httpStatusOf[refusal.code], { 'content-type': 'application/json' });
      res.end(JSON.stringify(refusal.toBody()));
      return;
    }
    res.writeHead(200, { 'content-type': 'video/mp2t', 'x-feed-gop': String(gop) });
    res.write(this.contribution.tables);
    this.send(res, gop);
  }

  private send(res: ServerResponse, gop: number): void {
    const { units, baseTicks } = this.contribution;
    const startTicks = gop * this.gopDurationTicks;
    const delta = FEED_OFFSET_TICKS - startTicks - baseTicks;
    let next = units.findLastIndex((u) => u.kind === 'video' && u.keyframe && u.ptsTicks <= startTicks);
    this.answers.add(res);
    const step = (): void => {
      while (!res.writableEnded && next < units.length && units[next]!.dtsTicks <= this.liveTicks) {
        if (next === this.cutBeforeUnit) {
          this.cutBeforeUnit = null;
          res.end();
          return;
        }
        const packets = Buffer.from(units[next]!.packets);
        retimePackets(packets, delta);
        res.write(packets);
        next += 1;
      }
    };
    step();
    const timer = setInterval(step, TICK_MS);
    res.on('close', () => {
      clearInterval(timer);
      this.answers.delete(res);
    });
  }
}
