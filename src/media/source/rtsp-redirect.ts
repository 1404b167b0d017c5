import { createServer, type Server, type Socket } from 'node:net';
import { LOOPBACK } from '../../platform/addresses';

/** Longer than any request of ffmpeg before it has a session. */
const MOST_REQUEST_BYTES = 4_096;
const REQUEST_LIMIT_MS = 5_000;
const MOST_CONNECTIONS = 64;
const REQUEST_LINE = /^[A-Z_]+ rtsp:\/\/[^/\s]+\/([\w-]+)\S* RTSP\/1\.0\r\n/;

/**
 * Answers every RTSP request for a ticket that it knows with a redirect to the real address (RFC 2326, 11.3.2), and all others
 * with 404. It is no HTTP: what a web page can send here is not even read to its end.
 */
export class RtspRedirect {
  private constructor(
    private readonly server: Server,
    private readonly open: Set<Socket>,
  ) {}

  /** @param take the address of a ticket, once */
  static async start(take: (ticket: string) => string | undefined): Promise<RtspRedirect> {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
      socket.setTimeout(REQUEST_LIMIT_MS, () => socket.destroy());
      answer(socket, take);
    });
    server.maxConnections = MOST_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, LOOPBACK, resolve);
    });
    return new RtspRedirect(server, open);
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return address.port;
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const answer = (socket: Socket, take: (ticket: string) => string | undefined): void => {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    const isRtsp = /^[A-Z_]{0,20}( |$)/.test(text);
    if (!isRtsp || text.length > MOST_REQUEST_BYTES) {
      socket.destroy();
      return;
    }
    if (!text.includes('\r\n\r\n')) return;
    const [, ticket] = REQUEST_LINE.exec(text) ?? [];
    const [, sequence = '0'] = /\r\nCSeq: *(\d{1,10})\r\n/i.exec(text) ?? [];
    const url = ticket === undefined ? undefined : take(ticket);
    const lines =
      url === undefined
        ? ['RTSP/1.0 404 Not Found', `CSeq: ${sequence}`]
        : ['RTSP/1.0 302 Found', `CSeq: ${sequence}`, `Location: ${url}`];
    socket.end([...lines, 'Content-Length: 0', '', ''].join('\r\n'));
  });
};
