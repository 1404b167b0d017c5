import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express';
import type { z } from 'zod';
import { SwarmError, httpStatusOf, type ErrorBody, type ErrorCode } from '../domain';
import { boundConnections, type WhenFull } from './connections';
import type { Gate } from './gate';
import { callerOf, guardRequests } from './http-guard';
import { LimitedLog, urlForLog } from './limited-log';
import { createLinkServer, isEncrypted, type Callers } from './links/server';
import type { Logger } from './logger';
import { connectionsOfMachine, openFilesOfProcess } from './open-files';
import { partGate, requireGuarded } from './own-identity';
import type { Route } from './route';

/** Parses data from outside. @throws SwarmError bad-request that names each field at fault. */
export const parseOrRefuse = <T extends z.ZodType>(schema: T, data: unknown, what: string): z.output<T> => {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((i) => `${i.path.join('.') || what}: ${i.message}`);
  throw new SwarmError(
    'bad-request',
    `Bad ${what}: ${faults.join('; ')}.`,
    'Correct the fields named and ask again.',
  );
};

/** Last handler of each express app: every error leaves as ErrorBody. */
export const errorHandler = (log: Logger): ErrorRequestHandler => {
  const unexpected = new LimitedLog(log);
  return (error: unknown, req, res, _next) => {
    if (res.headersSent) {
      res.destroy();
      return;
    }
    // A cache before a part would keep the error after its cause is gone (RFC 9111, 4.2.2).
    if (!res.hasHeader('cache-control')) res.set('cache-control', 'no-store');
    if (error instanceof SwarmError) {
      res.status(httpStatusOf[error.code]).json(error.toBody());
      return;
    }
    const status = (error as { status?: number }).status;
    if (status !== undefined && status >= 400 && status < 500) {
      const code: ErrorCode = status === 413 ? 'segment-too-large' : 'bad-request';
      res.status(status).json(new SwarmError(code, (error as Error).message).toBody());
      return;
    }
    const fields = { err: error, method: req.method, url: urlForLog(req.url) };
    unexpected.write('error', 'unexpected', fields, 'unexpected error');
    const body: ErrorBody = {
      error: { code: 'internal', message: 'Unexpected error; see the log of this part.' },
    };
    res.status(500).json(body);
  };
};

/** What a part tells of its health: everything to those whom it knows, to strangers only that it runs. */
export const healthAnswer = <T extends { status: string }>(
  req: Request,
  health: T,
): T | { status: string } => (callerOf(req) ? health : { status: health.status });

export interface RunningServer {
  server: Server;
  port: number;
  close(): Promise<void>;
}

export interface ServerLimits {
  /** Connections at the same time; which one goes beyond that: `whenFull`. */
  maxConnections: number;
  /** A connection that does not bring the head of a request within this time is closed. */
  headersTimeoutMs: number;
  /** So is one whose request is not complete; 0: a body may take for ever. */
  requestTimeoutMs: number;
  /** So is one on which nothing moves, either way, within at most twice this. Longer than any answer is waited for. */
  idleTimeoutMs: number;
}

/** A machine for live video has room for more. */
const FEW_CONNECTIONS = 1_024;

/** A flood of slow clients ends at them instead of at the limits of the process: then it could write no GOP any more. */
export const defaultServerLimits: ServerLimits = {
  maxConnections: connectionsOfMachine(),
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 90_000,
};

/** How often connections are looked through for those past their time. */
const CONNECTION_CHECK_MS = 1_000;

export interface Listener {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** All that it answers: no other request reaches the app. */
  routes: readonly Route[];
  /** DNS names under which it is reached, beside localhost (ownNamesOf). */
  names?: readonly string[];
  /** Origins of its own pages behind a proxy. */
  origins?: readonly string[];
  /** Tells who asks; default: that of this process (own-identity.ts). */
  gate?: Gate | undefined;
  /** Whom it serves, which says what TLS asks of them where links are encrypted; default: parts. */
  callers?: Callers;
  limits?: Partial<ServerLimits>;
  /** Default: newcomer-goes. */
  whenFull?: WhenFull;
  log: Logger;
}

/**
 * Listens. The only way for a part to do so: every request passes the guard (http-guard.ts) first.
 * @throws SwarmError unavailable when the port is taken; bad-request where other machines would reach it and nobody is
 *   asked who he is, or links are not encrypted
 */
export const listen = async (app: RequestHandler, listener: Listener): Promise<RunningServer> => {
  const { host, port, routes, names = [], origins = [], gate = partGate(), log } = listener;
  const { limits, whenFull = 'newcomer-goes', callers = 'parts' } = listener;
  const isPublic = callers === 'plain' && routes.every(({ access }) => access === 'public');
  const isOpen = requireGuarded(host, { gate, isEncrypted: isEncrypted(callers), isPublic });
  if (isOpen) log.warn({ host }, 'other machines reach this in plain: tokens can be read on the way');
  const { maxConnections, headersTimeoutMs, requestTimeoutMs, idleTimeoutMs } = {
    ...defaultServerLimits,
    ...limits,
  };
  const guarded = express().disable('x-powered-by').disable('etag');
  guarded.use(
    guardRequests({ routes, ownNames: names, ownOrigins: origins, gate, log }),
    app,
    errorHandler(log),
  );
  if (defaultServerLimits.maxConnections < FEW_CONNECTIONS)
    log.warn(
      { openFiles: openFilesOfProcess(), maxConnections },
      'few files may be open here (ulimit -n): it takes fewer connections',
    );
  const server = createLinkServer(
    {
      http: {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: CONNECTION_CHECK_MS,
      },
      callers,
      handshakeTimeoutMs: headersTimeoutMs,
      mostHandshakes: maxConnections,
      refusals: new LimitedLog(log),
    },
    guarded,
  );
  boundConnections(server, maxConnections, whenFull);
  server.timeout = idleTimeoutMs;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new SwarmError(
              'unavailable',
              `Port ${port} on ${host} is taken.`,
              'Stop what uses it, or set another port.',
            )
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
