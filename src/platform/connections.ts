import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

interface Connection {
  /** Requests whose answers have not ended. */
  requests: number;
  /** When it last began or ended something, monotonic milliseconds. */
  usedAtMs: number;
  /** It is not given up before this. */
  keptUntilMs: number;
}

const connections = new WeakMap<Socket, Connection>();

/**
 * A connection on which the caller has proved who he is, as the owner of a channel does with each GOP: for this time it is
 * not given up for a newcomer.
 */
export const keepConnection = (req: IncomingMessage, forMs: number): void => {
  const connection = connections.get(req.socket);
  if (connection) connection.keptUntilMs = performance.now() + forMs;
};

/** What goes where a connection beyond the bound comes. */
export type WhenFull =
  /** The newcomer. */
  | 'newcomer-goes'
  /** The one without a request that has been idle for the longest; where all have one, the newcomer. For requests that never end. */
  | 'idlest-goes'
  /** The same; where all have a request, the one whose request began first. For requests that are soon answered. */
  | 'slowest-goes';

/**
 * Bounds the connections of a server. Where it must not be kept from those who need it, a newcomer is let in while any
 * other connection can be given up for it. Those that are kept stay.
 */
export const boundConnections = (server: Server, most: number, whenFull: WhenFull): void => {
  if (whenFull === 'newcomer-goes') {
    server.maxConnections = most;
    return;
  }
  const open = new Map<Socket, Connection>();
  const onConnection = (socket: Socket): void => {
    if (open.size >= most && !giveUpOne(open, whenFull === 'slowest-goes')) {
      socket.destroy();
      return;
    }
    const connection: Connection = { requests: 0, usedAtMs: performance.now(), keptUntilMs: 0 };
    open.set(socket, connection);
    connections.set(socket, connection);
    socket.once('close', () => open.delete(socket));
  };
  const onRequest = ({ socket }: IncomingMessage, res: ServerResponse): void => {
    const connection = connections.get(socket);
    if (!connection) return;
    connection.requests += 1;
    connection.usedAtMs = performance.now();
    res.once('close', () => {
      connection.requests -= 1;
      connection.usedAtMs = performance.now();
    });
  };
  server.prependListener(server instanceof TlsServer ? 'secureConnection' : 'connection', onConnection);
  server.prependListener('request', onRequest);
};

/** @returns false where none can be given up */
const giveUpOne = (open: Map<Socket, Connection>, mayBreakRequests: boolean): boolean => {
  const now = performance.now();
  let stillest: [Socket, Connection] | undefined;
  for (const entry of open) {
    const [, { requests, keptUntilMs }] = entry;
    if (keptUntilMs > now || (requests > 0 && !mayBreakRequests)) continue;
    if (!stillest || goesBefore(entry[1], stillest[1])) stillest = entry;
  }
  if (!stillest) return false;
  open.delete(stillest[0]);
  stillest[0].destroy();
  return true;
};

const goesBefore = (a: Connection, b: Connection): boolean => {
  const [isBusy, isOtherBusy] = [a.requests > 0, b.requests > 0];
  return isBusy === isOtherBusy ? a.usedAtMs < b.usedAtMs : isOtherBusy;
};
