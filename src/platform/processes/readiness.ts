import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { linkRequest } from '../links/client';

const RETRY_MS = 40;
const TRY_LIMIT_MS = 2_000;

/** Repeats an attempt until it succeeds. @throws the signal's reason once it is aborted */
const untilItWorks = async (attempt: () => Promise<boolean>, signal: AbortSignal): Promise<void> => {
  while (!(await attempt())) await sleep(RETRY_MS, undefined, { signal });
  signal.throwIfAborted();
};

const answersOk = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    // Servers that are no parts of the swarm, such as InfluxDB, are asked in plain.
    const callee = url.startsWith('https:') ? 'part' : 'anyone';
    const request = linkRequest(url, { timeout: TRY_LIMIT_MS, agent: false }, callee);
    request.once('response', (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 300);
    });
    request.once('error', () => resolve(false)).once('timeout', () => request.destroy());
    request.end();
  });

const acceptsConnection = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host, timeout: TRY_LIMIT_MS });
    const end = (ok: boolean) => (): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });

/** Waits until a URL answers with 2xx. */
export const awaitHttpOk = (url: string, signal: AbortSignal): Promise<void> =>
  untilItWorks(() => answersOk(url), signal);

/** Waits until a TCP port accepts connections. */
export const awaitPort = (port: number, host: string, signal: AbortSignal): Promise<void> =>
  untilItWorks(() => acceptsConnection(port, host), signal);

const splitAddress = (address: string): { host: string; port: number } => {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
};

/**
 * Waits until a gRPC server calls itself SERVING (grpc.health.v1.Health).
 * @param service name of the service asked for; empty: the server as a whole
 * @param part what is shown to a part of this swarm, on a link that is encrypted as all of them; absent: it is none
 */
export const awaitGrpcServing = async (
  address: string,
  service: string,
  signal: AbortSignal,
  part?: { authorization?: string },
): Promise<void> => {
  const { host, port } = splitAddress(address);
  const [grpc, health, links] = await Promise.all([
    import('@grpc/grpc-js'),
    import('grpc-health-check'),
    import('../links/grpc'),
    awaitPort(port, host, signal),
  ]);
  const HealthClient = grpc.makeGenericClientConstructor(health.service, 'grpc.health.v1.Health');
  const client = new HealthClient(
    address,
    part ? links.channelCredentials() : links.plainChannelCredentials(),
    {
      // Without these, a connection that is refused is tried again only after a second.
      'grpc.initial_reconnect_backoff_ms': RETRY_MS,
      'grpc.max_reconnect_backoff_ms': 4 * RETRY_MS,
      'grpc.use_local_subchannel_pool': 1,
      // What was started here is reached without the environment's proxy.
      'grpc.enable_http_proxy': 0,
    },
  );
  const metadata = new grpc.Metadata();
  if (part?.authorization !== undefined) metadata.set('authorization', part.authorization);
  const isServing = (): Promise<boolean> =>
    new Promise((resolve) => {
      const options = { deadline: Date.now() + TRY_LIMIT_MS, waitForReady: true };
      const check = client.check as (
        request: { service: string },
        metadata: object,
        options: object,
        done: (error: unknown, answer?: { status: string }) => void,
      ) => void;
      check.call(client, { service }, metadata, options, (error, answer) =>
        resolve(!error && answer?.status === 'SERVING'),
      );
    });
  try {
    await untilItWorks(isServing, signal);
  } finally {
    client.close();
  }
};
