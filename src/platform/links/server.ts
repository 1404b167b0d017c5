import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { LimitedLog } from '../limited-log';
import { linkTls } from './link-tls';

/**
 * Whom a listener serves, which says what it does where links are encrypted. `parts`: who shows no certificate of the
 * swarm's authority is refused. `people`: browsers, players and the command line check ours and show none. `plain`: it
 * is not encrypted.
 */
export type Callers = 'parts' | 'people' | 'plain';

/** Whether a listener for these callers is encrypted in this process. */
export const isEncrypted = (callers: Callers): boolean => callers !== 'plain' && linkTls() !== undefined;

export interface LinkServerOptions {
  http: ServerOptions;
  callers: Callers;
  /** A connection that is not encrypted within this time is closed. */
  handshakeTimeoutMs: number;
  /** Connections that are not encrypted yet, at the same time: the oldest makes room. */
  mostHandshakes: number;
  /** Who was refused, at a bounded rate. */
  refusals: LimitedLog;
}

/**
 * A server of HTTP or HTTPS; new certificates are used for connections that begin from then on.
 * @throws SwarmError bad-request where this process has no certificate
 */
export const createLinkServer = (options: LinkServerOptions, answer: RequestListener): Server => {
  const { callers } = options;
  const tls = linkTls();
  if (callers === 'plain' || !tls) return createServer(options.http, answer);
  const server = createSecureServer(
    {
      ...options.http,
      ...tls.contextForCallers(callers),
      ...(callers === 'parts' && { requestCert: true, rejectUnauthorized: true }),
      handshakeTimeout: options.handshakeTimeoutMs,
    },
    answer,
  );
  const end = tls.onChange(() => server.setSecureContext(tls.contextForCallers(callers)));
  server.once('close', end);
  server.on(
    'tlsClientError',
    (error: NodeJS.ErrnoException & { reason?: string }, { remoteAddress: from }) => {
      // Whoever goes away by himself was not refused.
      if (error.code === 'ECONNRESET') return;
      const why = error.reason ?? error.message;
      options.refusals.write('warn', 'tls', { from, why }, 'a connection was refused');
    },
  );
  boundHandshakes(server, options.mostHandshakes);
  return server;
};

/** Callers that begin a handshake and leave it at that must not take what a process has for connections. */
const boundHandshakes = (server: Server, most: number): void => {
  const open = new Map<string, Socket>();
  const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const [oldest] = open.values();
    if (open.size >= most) oldest?.destroy();
    const name = nameOf(socket);
    open.set(name, socket);
    socket.once('close', () => open.delete(name));
  });
  server.on('secureConnection', (socket: Socket) => open.delete(nameOf(socket)));
};
