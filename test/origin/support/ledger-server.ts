import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OWNER_PROOF_HEADER } from '../../../src/contracts/relay';

/** A relay that answers for its ledger only; what it says of each GOP, and how it fails, the test decides. */
export class LedgerServer {
  /** PTS of each GOP, for every channel. */
  readonly ptsTicksByGop = new Map<number, number[]>();
  /** When a GOP was received, by the wall clock. */
  sealedAtMs: (gop: number) => number = () => Date.now() - 40;
  failure: 'none' | 'garbage' | 'left-ring' | 'silent' = 'none';
  /** Held back until released. */
  gate: Promise<void> = Promise.resolve();
  /** What it was told of owners' feeds. */
  readonly ownerProofs: string[] = [];
  private arrived = (): void => undefined;
  private readonly server = createServer((req, res) => {
    this.arrived();
    const proof = req.headers[OWNER_PROOF_HEADER];
    if (typeof proof === 'string') this.ownerProofs.push(proof);
    void this.gate.then(() => {
      const gop = Number(/\/(?:ledger|pictures)\/(\d+)/.exec(req.url ?? '')?.[1]);
      const ptsTicks = this.ptsTicksByGop.get(gop);
      const answer = (status: number, body: unknown): void => {
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      if (this.failure === 'silent') return;
      if (this.failure === 'garbage') answer(200, { gop: 'x' });
      else if (this.failure === 'left-ring')
        answer(410, { error: { code: 'gop-left-ring', message: 'gone.' } });
      else if (!ptsTicks) answer(408, { error: { code: 'timeout', message: 'not sealed.' } });
      else if (req.url?.includes('/pictures/'))
        answer(200, { gop, ptsTicks, arrivedAgoMs: ptsTicks.map((_, i) => 40 * (ptsTicks.length - i)) });
      else {
        const sha256 = createHash('sha256').update(ptsTicks.join()).digest('hex');
        answer(200, { gop, ptsTicks, sha256, sealedAtMs: this.sealedAtMs(gop) });
      }
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resolves when the next request arrives, before it is answered. */
  nextRequest(): Promise<void> {
    return new Promise((resolve) => (this.arrived = resolve));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
