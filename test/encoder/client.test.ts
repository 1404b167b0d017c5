import { createServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { Server, ServerCredentials, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { Client, ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import packageJson from '../../package.json';
import { EncoderClient, encoderClientFor } from '../../src/contracts/encoder/client';
import {
  ENCODER_SERVICES,
  encoderContract,
  type ContractVersion,
} from '../../src/contracts/encoder/grpc-contract';
import { prepareSchema } from '../../src/contracts/encoder/requests';
import type { Rendition } from '../../src/domain';
import { ENCODER_HOST_VERSION } from '../../src/media/encoder/version';
import { LADDER, sessionRequest, startHost } from './support/test-host';

type Answer = (call: { request: unknown }, callback: (error: object | null, value?: object) => void) => void;

/** A gRPC server that implements the encoder contract as badly as it is told to. */
const startImpostor = async (
  answer: Answer,
  version: ContractVersion = 2,
): Promise<{ client: EncoderClient; address: string; stop: () => void }> => {
  const server = new Server();
  const { service } = encoderContract(version);
  const methods = Object.fromEntries(
    Object.keys(service).map((name) => [name[0]!.toLowerCase() + name.slice(1), answer]),
  );
  server.addService(service, methods);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new EncoderClient(`127.0.0.1:${port}`);
  return {
    client,
    address: `127.0.0.1:${port}`,
    stop: () => {
      client.close();
      server.forceShutdown();
    },
  };
};

const EVERYTHING: Rendition = {
  ...{ name: 'all', widthPx: 640, heightPx: 360, codec: 'libx265', preset: 'faster', profile: 'main10' },
  ...{ rateControl: 'vbr', bitrateKbps: 700, maxBitrateKbps: 900, bufferKbit: 1_200, level: 4.1 },
  ...{ pixelFormat: 'yuv420p10le', frameRateDivisor: 3 },
};

test.each([
  [25, { framesPerSecond: 25, frameRate: null }],
  // A host that does not know frame_rate finds a whole number, as before.
  ['30000/1001', { framesPerSecond: 30, frameRate: { numerator: 30_000, denominator: 1_001 } }],
] as const)('a session of %p frames a second crosses the wire exactly', async (framesPerSecond, wire) => {
  const renditions = [
    LADDER[0]!,
    { ...LADDER[1]!, preset: 'fast', profile: 'high', bufferKbit: 450 } as const,
    EVERYTHING,
  ];
  const order = sessionRequest('http://relay/feed', 'http://origin', { framesPerSecond, renditions });
  const asked: unknown[] = [];
  const { client, stop } = await startImpostor(({ request }, callback) => {
    asked.push(request);
    callback(null, { ...GOOD_SESSION, sessionId: order.sessionId });
  });
  try {
    await client.prepare(order);
    expect(asked).toMatchObject([wire]);
    expect(prepareSchema.parse(asked[0])).toEqual(order);
  } finally {
    stop();
  }
});

const GOOD_SESSION = {
  sessionId: 's-1',
  channelId: 'ch-1',
  state: 'HOLDING',
  renditions: ['90p'],
  fromGop: 3,
  lastEncodedGop: 4,
  lastPublishedGop: -1,
};

test.each<[string, object]>([
  ['answers for another session', { ...GOOD_SESSION, sessionId: 's-2' }],
  ['is in no state', { ...GOOD_SESSION, state: 'SESSION_STATE_UNSPECIFIED' }],
  ['counts units in NaN', { ...GOOD_SESSION, units: NaN }],
  ['has a GOP before the first', { ...GOOD_SESSION, lastEncodedGop: -2 }],
  ['has a token beyond all integers', { ...GOOD_SESSION, token: 2 ** 60 }],
  ['says nothing', {}],
])('an encoder that %s answers garbage', async (_, session) => {
  const { client, stop } = await startImpostor((_call, callback) => callback(null, session));
  try {
    for (const ask of [client.session('s-1'), client.commit('s-1', 1, 1), client.release('s-1')]) {
      await expect(ask).rejects.toMatchObject({ code: 'encoder-answered-garbage' });
    }
  } finally {
    stop();
  }
});

test('a good answer is taken, so that the others fail for what is wrong with them', async () => {
  const { client, stop } = await startImpostor((_call, callback) => callback(null, GOOD_SESSION));
  try {
    expect(await client.session('s-1')).toMatchObject({ state: 'holding', lastEncodedGop: 4 });
  } finally {
    stop();
  }
});

test('garbage in a description or in telemetry is refused as well', async () => {
  const { client, stop } = await startImpostor((_call, callback) => callback(null, { cpuCores: -1 }));
  try {
    await expect(client.describe()).rejects.toMatchObject({ code: 'encoder-answered-garbage' });
    await expect(client.telemetry()).rejects.toMatchObject({ code: 'encoder-answered-garbage' });
  } finally {
    stop();
  }
});

test('a server of another service answers garbage', async () => {
  const server = new Server();
  const port = await new Promise<number>((resolve) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
  );
  const client = new EncoderClient(`127.0.0.1:${port}`);
  try {
    await expect(client.describe()).rejects.toMatchObject({ code: 'encoder-answered-garbage' });
  } finally {
    client.close();
    server.forceShutdown();
  }
});

test('an encoder that never answers is unreachable once the deadline is over', async () => {
  const { client, stop } = await startImpostor(() => undefined);
  try {
    const askedAtMs = performance.now();
    await expect(client.describe({ deadlineMs: 300 })).rejects.toMatchObject({ code: 'encoder-unreachable' });
    expect(performance.now() - askedAtMs).toBeLessThan(3_000);
    const serving: boolean[] = [];
    const stopWatching = client.watchHealth((now) => serving.push(now));
    await expect(client.describe({ deadlineMs: 300 })).rejects.toMatchObject({ code: 'encoder-unreachable' });
    stopWatching();
    // It implements no health service, so it was found not to serve.
    expect(serving).toEqual([false]);
  } finally {
    stop();
  }
});

test('a call is cancelled by its signal, and throws its reason', async () => {
  const { client, stop } = await startImpostor(() => undefined);
  try {
    const abort = new AbortController();
    const asked = client.describe({ deadlineMs: 20_000, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('the activity was cancelled')), 100);
    await expect(asked).rejects.toThrow('the activity was cancelled');
    await expect(client.describe({ signal: abort.signal })).rejects.toThrow('the activity was cancelled');
  } finally {
    stop();
  }
});

describe.each<[string, (socket: Socket) => void]>([
  ['takes connections and says nothing', () => undefined],
  ['speaks another protocol', (socket) => socket.write('220 mail ready\r\n')],
  ['hangs up', (socket) => socket.destroy()],
])('a port that %s', (_, greet) => {
  let server: TcpServer;
  const sockets = new Set<Socket>();
  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('is an encoder that is unreachable, in time', async () => {
    const client = new EncoderClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const askedAtMs = performance.now();
      await expect(client.describe({ deadlineMs: 1_000 })).rejects.toMatchObject({
        code: expect.stringMatching(/^encoder-(unreachable|answered-garbage)$/) as string,
      });
      expect(performance.now() - askedAtMs).toBeLessThan(4_000);
    } finally {
      client.close();
    }
  });
});

test('serves grpc.health.v1.Health as its standard says', async () => {
  const { host, client, stop } = await startHost();
  const HealthClient = loadPackageDefinition({ Health: healthService }).Health as ServiceClientConstructor;
  const health = new HealthClient(host.address, credentials.createInsecure());
  const check = (service: string): Promise<{ status?: string; code?: number }> =>
    new Promise((resolve) => {
      const ask = health as unknown as Client & {
        check(r: object, done: (error: ServiceError | null, answer: { status: string }) => void): void;
      };
      ask.check({ service }, (error, answer) => resolve(error ? { code: error.code } : answer));
    });
  try {
    expect(await check('')).toEqual({ status: 'SERVING' });
    for (const name of Object.values(ENCODER_SERVICES))
      expect(await check(name)).toEqual({ status: 'SERVING' });
    expect(await check('another.Service')).toEqual({ code: 5 });
    const serving: boolean[] = [];
    const stopWatching = client.watchHealth((now) => serving.push(now));
    await client.describe();
    await host.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    stopWatching();
    expect(serving).toEqual([true, false]);
  } finally {
    health.close();
    await stop();
  }
});

test('keeps one client an address', () => {
  const client = encoderClientFor('127.0.0.1:1');
  expect(encoderClientFor('127.0.0.1:1')).toBe(client);
  expect(encoderClientFor('127.0.0.1:2')).not.toBe(client);
});

test('the host tells the version of the project', () => {
  expect(ENCODER_HOST_VERSION).toBe(packageJson.version);
});
