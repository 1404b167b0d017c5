import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeveralAddresses } from '../../src/platform/several-addresses';

/** An origin that does not answer a player within this is left for the next one, as a cache in front of several does. */
const PATIENCE_MS = 700;

interface Answer {
  status: number;
  type: string;
  bytes: Buffer;
}

class NotNow extends Error {
  constructor(readonly answer: Answer | null) {
    super('Another origin may have it.');
  }
}

const ask = async (url: string): Promise<Answer> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (response === null) throw new NotNow(null);
  const type = response.headers.get('content-type') ?? 'application/octet-stream';
  const bytes = await response.arrayBuffer().catch(() => null);
  const answer = bytes && { status: response.status, type, bytes: Buffer.from(bytes) };
  if (!answer || response.status >= 500 || response.status === 404) throw new NotNow(answer);
  return answer;
};

/**
 * One address for players of several origins, as a load balancer or a cache is: a player keeps to the address that it was
 * given.
 */
export class PlayerFront {
  private constructor(private readonly server: Server) {}

  static async start(originUrls: readonly string[]): Promise<PlayerFront> {
    const origins = new SeveralAddresses(originUrls);
    const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
      const answer = await origins
        .ask(
          (url) => ask(`${url}${req.url}`),
          (error) => error instanceof NotNow,
        )
        .catch((error: unknown) => (error instanceof NotNow ? error.answer : null));
      const headers = { 'access-control-allow-origin': '*', 'content-type': answer?.type ?? 'text/plain' };
      res.writeHead(answer?.status ?? 503, headers).end(answer?.bytes);
    };
    const server = createServer((req, res) => void handle(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PlayerFront(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
