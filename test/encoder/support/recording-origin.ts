import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OriginChannel } from '../../../src/contracts/origin';
import { SwarmError, httpStatusOf } from '../../../src/domain';
import { inspectSegment } from '../../../src/media/mpegts';

export interface RecordedGop {
  gop: number;
  token: number;
  encoderId: string;
  sessionId: string;
  /** Shown as x-session-secret. */
  secret: string;
  atMs: number;
  segments: Map<string, Buffer>;
  /** Its header x-renditions. */
  declared: string;
}

/** An origin of one channel that keeps every GOP put, strictly in order and fenced, and refuses on demand. */
export class RecordingOrigin {
  readonly published: RecordedGop[] = [];
  readonly refusals: string[] = [];
  token = 1;
  nextGop: number | null = null;
  /** Who is told to own the channel; null: whoever published last. */
  owner: { encoderId: string; sessionId: string } | null = null;
  /** Decides over the next PUTs before the origin's own rules: a refusal, a cut connection, or nothing. */
  intercept: ((gop: number) => SwarmError | 'cut' | 'store-and-cut' | null) | null = null;
  private readonly server: Server;

  constructor() {
    this.server = createServer((req, res) => void this.answer(req, res));
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get gops(): number[] {
    return this.published.map((p) => p.gop);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** PTS of every frame of a GOP in a rendition, as published. */
  ptsOf(gop: number, rendition: string): number[] {
    const segment = this.published.find((p) => p.gop === gop)?.segments.get(rendition);
    return segment ? inspectSegment(segment).videoPtsTicks : [];
  }

  private get channel(): OriginChannel {
    const { token, nextGop, published } = this;
    const last = published.at(-1);
    const owner = this.owner ?? (last ? { encoderId: last.encoderId, sessionId: last.sessionId } : null);
    return {
      ...{ id: 'ch-1', gopDurationTicks: 90_000, framesPerSecond: 25, token, owner },
      ...{
        nextGop: nextGop ?? 0,
        hasPublished: last !== undefined,
        lastPublishedAtMs: null,
        oldestGop: null,
      },
      ...{ gapsDeclared: 0, refusals: {} },
    };
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === 'GET' && req.url === '/channels/ch-1') {
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.channel));
      return;
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of req) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const gop = Number(/^\/channels\/ch-1\/gops\/(\d+)$/.exec(req.url ?? '')?.[1]);
    const verdict = this.intercept?.(gop) ?? null;
    if (verdict === 'cut') {
      req.socket.destroy();
      return;
    }
    const token = Number(req.headers['x-fencing-token']);
    const refusal = verdict instanceof SwarmError ? verdict : this.check(gop, token);
    if (refusal) {
      this.refusals.push(refusal.code);
      res.writeHead(httpStatusOf[refusal.code], { 'content-type': 'application/json' });
      res.end(JSON.stringify(refusal.toBody()));
      return;
    }
    this.store(gop, token, req, Buffer.concat(chunks));
    if (verdict === 'store-and-cut') req.socket.destroy();
    else res.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ gop }));
  }

  private check(gop: number, token: number): SwarmError | null {
    if (token !== this.token) return new SwarmError('stale-token', `The token is ${this.token}.`);
    const next = this.nextGop ?? gop;
    if (gop < next) return new SwarmError('gop-exists', `GOP ${gop} exists.`);
    if (gop > next) {
      return new SwarmError('out-of-order', `GOP ${next} is next.`, undefined, { nextGop: next });
    }
    return null;
  }

  private store(gop: number, token: number, req: IncomingMessage, body: Buffer): void {
    const segments = new Map<string, Buffer>();
    let at = 0;
    for (const part of String(req.headers['x-renditions']).split(',')) {
      const [name, declared] = part.split('=') as [string, string];
      const bytes = Number(declared.split('/')[0]);
      segments.set(name, body.subarray(at, at + bytes));
      at += bytes;
    }
    if (at !== body.length) throw new Error('x-renditions does not add up to the body');
    this.nextGop = gop + 1;
    this.published.push({
      gop,
      token,
      declared: String(req.headers['x-renditions']),
      segments,
      encoderId: String(req.headers['x-encoder-id']),
      sessionId: String(req.headers['x-session-id']),
      secret: String(req.headers['x-session-secret']),
      atMs: performance.now(),
    });
  }
}
