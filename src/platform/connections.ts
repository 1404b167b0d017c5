import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

interface Connection {
  /** Requests whose answers have not ended. */
  requests: number;
  /** It is not given up before this, monotonic milliseconds. */
  keptUntilMs: number;
}

/** Connections in the order in which they last began or ended something: the first has been as it is for the longest. */
class OpenConnections {
  /** Without a request. */
  private readonly idle = new Map<Socket, Connection>();
  private readonly busy = new Map<Socket, Connection>();

  get size(): number {
    return this.idle.size + this.busy.size;
  }

  /** It has just begun or ended something. */
  moved(socket: Socket, connection: Connection): void {
    this.remove(socket);
    (connection.requests > 0 ? this.busy : this.idle).set(socket, connection);
  }

  remove(socket: Socket): void {
    this.idle.delete(socket);
    this.busy.delete(socket);
  }

  has(socket: Socket): boolean {
    return this.idle.has(socket) || this.busy.has(socket);
  }

  /** Those that are kept are passed over; they are few. @returns false where none can be given up */
  giveUpOne(mayBreakRequests: boolean): boolean {
    const now = performance.now();
    for (const open of mayBreakRequests ? [this.idle, this.busy] : [this.idle]) {
      for (const [socket, { keptUntilMs }] of open) {
        if (keptUntilMs > now) continue;
        this.remove(socket);
        socket.destroy();
        return true;
      }
    }
    return false;
  }
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
  const open = new OpenConnections();
  const onConnection = (socket: Socket): void => {
    if (open.size >= most && !open.giveUpOne(whenFull === 'slowest-goes')) {
      socket.destroy();
      return;
    }
    const connection: Connection = { requests: 0, keptUntilMs: 0 };
    open.moved(socket, connection);
    connections.set(socket, connection);
    socket.once('close', () => open.remove(socket));
  };
  const onRequest = ({ socket }: IncomingMessage, res: ServerResponse): void => {
    const connection = connections.get(socket);
    if (!connection) return;
    const moved = (): void => {
      if (open.has(socket)) open.moved(socket, connection);
    };
    connection.requests += 1;
    moved();
    res.once('close', () => {
      connection.requests -= 1;
      moved();
    });
  };
  server.prependListener(server instanceof TlsServer ? 'secureConnection' : 'connection', onConnection);
  server.prependListener('request', onRequest);
};
