import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import type { WireDescription, WireSession } from '../../src/contracts/encoder/answers';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { encoderContract, type ContractVersion } from '../../src/contracts/encoder/grpc-contract';
import { toWirePrepare } from '../../src/contracts/encoder/requests';
import type { Rendition } from '../../src/domain';
import { serveEncoder, type EncoderMethods, type EncoderServer } from '../../src/media/encoder/grpc-server';
import { until } from '../support/until';
import { LADDER, quietLog, sessionRequest, startHost } from './support/test-host';

const HEVC: Rendition = { ...LADDER[0]!, name: 'hevc', codec: 'libx265' };
const order = (renditions: Rendition[]) =>
  sessionRequest('http://127.0.0.1:9/channels/ch-1/feed', 'http://127.0.0.1:9', { renditions });

const DESCRIPTION: WireDescription = {
  ...{ encoderId: 'enc-9', region: 'eu', zone: 'a', version: '1', ffmpegVersion: '5.1' },
  ...{ capacityUnits: 6, maxSessions: 8 },
};

/** A host of somebody's, which serves some versions of the contract, and notes what it is asked. */
class OtherHost {
  readonly asked: string[] = [];
  private server: EncoderServer | null = null;

  async serve(versions: readonly ContractVersion[], port = 0): Promise<string> {
    const session = (method: string, request: unknown): WireSession => {
      this.asked.push(method);
      const { sessionId } = request as { sessionId: string };
      return {
        ...{ sessionId, channelId: 'ch-1', state: 'HOLDING', token: 0, renditions: ['90p'], units: 1 },
        ...{ fromGop: 3, lastEncodedGop: 4, lastPublishedGop: -1, ready: true, failureCode: '' },
        ...{ failureMessage: '', realTimeRatio: 1.5, lateGops: 0, cpuCores: 0.1 },
        speeds: [{ rendition: '90p', realTimeRatio: 1.75 }],
      };
    };
    const methods: EncoderMethods = {
      describe: () => {
        this.asked.push('describe');
        return {
          ...DESCRIPTION,
          codecs: [{ codec: 'libx265', pixelFormats: ['yuv420p'] }],
          measuredCapacity: { units: 5.5, measuredAtMs: 1, speeds: [] },
          hasSessionSecrets: true,
        };
      },
      getTelemetry: () => ({
        ...{ atMs: 1, cpuCores: 1, memoryMib: 1, networkKbps: 1, unitsUsed: 1, sessions: [] },
      }),
      prepareSession: (request) => ({ ...session('prepare', request), secretSha256: 'ab'.repeat(32) }),
      getSession: (request) => session('session', request),
      commitSession: (request) => session('commit', request),
      releaseSession: (request) => session('release', request),
    };
    this.server = await serveEncoder(methods, { host: '127.0.0.1', port, log: quietLog, versions });
    return this.server.address;
  }

  get port(): number {
    return this.server!.port;
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }
}

describe('a host of version 1', () => {
  const host = new OtherHost();
  let client: EncoderClient;
  beforeAll(async () => {
    client = new EncoderClient(await host.serve([1]));
  });
  afterAll(async () => {
    client.close();
    await host.stop();
  });

  test('is described, watched and given sessions by a client of version 2, with what it knows', async () => {
    const info = await client.describe();
    expect(info).toMatchObject({ id: 'enc-9', capacityUnits: 6 });
    expect([info.codecs, info.measuredCapacity]).toEqual([undefined, undefined]);
    expect(info.hasSessionSecrets).toBeUndefined();
    const serving: boolean[] = [];
    const end = client.watchHealth((now) => serving.push(now));
    await until('it is known to serve', () => serving.includes(true), 5_000);
    end();
    expect(serving).toEqual([true]);
    const prepared = await client.prepare(order(LADDER));
    expect(prepared).toMatchObject({ state: 'holding', realTimeRatio: 1.5 });
    expect([prepared.speeds, prepared.secretSha256]).toEqual([undefined, undefined]);
    expect(await client.commit(prepared.sessionId, 1, 5)).toMatchObject({ state: 'holding' });
  });

  test.each<[string, Partial<Rendition>]>([
    ['another codec', { codec: 'libx265' }],
    ['ten bits', { pixelFormat: 'yuv420p10le' }],
    ['a constant rate', { crf: undefined, rateControl: 'cbr' }],
    ['half of the pictures', { frameRateDivisor: 2 }],
    ['a level', { level: 4.1 }],
  ])('is never asked for %s, which it would leave out without a word', async (_, change) => {
    const before = host.asked.filter((method) => method === 'prepare').length;
    await expect(client.prepare(order([{ ...LADDER[0]!, ...change }]))).rejects.toMatchObject({
      code: 'encoder-incompatible',
      message: expect.stringContaining('it speaks version 1 of the contract'),
    });
    expect(host.asked.filter((method) => method === 'prepare')).toHaveLength(before);
  });
});

test('a host that is upgraded is asked by version 2 from its next description on, and one that goes back by version 1', async () => {
  const host = new OtherHost();
  const address = await host.serve([1]);
  const { port } = host;
  const client = new EncoderClient(address);
  try {
    expect((await client.describe()).codecs).toBeUndefined();
    await host.stop();
    await host.serve([2, 1], port);
    const info = await client.describe({ waitForReady: true });
    expect(info.codecs).toEqual([{ codec: 'libx265', pixelFormats: ['yuv420p'] }]);
    expect(info.measuredCapacity).toEqual({ units: 5.5, measuredAtMs: 1, speeds: [] });
    const hevc = await client.prepare(order([HEVC]));
    expect(hevc.speeds).toEqual([{ rendition: '90p', realTimeRatio: 1.75 }]);
    expect(hevc.secretSha256).toBe('ab'.repeat(32));
    await host.stop();
    await host.serve([1], port);
    expect(await client.session('s-1', { waitForReady: true })).toMatchObject({ sessionId: 's-1' });
    expect((await client.session('s-1')).speeds).toBeUndefined();
  } finally {
    client.close();
    await host.stop();
  }
});

test('a client of version 1 works with a host of version 2', async () => {
  const { host, stop } = await startHost();
  const client = new (encoderContract(1))(host.address, credentials.createInsecure());
  const ask = <T>(method: string, request: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const call = (client as unknown as Record<string, Call>)[method]!;
      call.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer as T)));
    });
  type Call = (
    this: Client,
    request: object,
    done: (error: ServiceError | null, answer: unknown) => void,
  ) => void;
  try {
    expect(await ask('describe', {})).toMatchObject({ encoderId: 'enc-1', capacityUnits: 6 });
    const asked = order(LADDER.slice(0, 2));
    const session = await ask<WireSession>('prepareSession', toWirePrepare(asked));
    expect(session).toMatchObject({ sessionId: asked.sessionId, renditions: ['90p', '72p'], fromGop: 3 });
    expect(await ask('getTelemetry', {})).toMatchObject({ sessions: [{ sessionId: asked.sessionId }] });
    expect(await ask('releaseSession', { sessionId: asked.sessionId })).toMatchObject({ state: 'RELEASED' });
  } finally {
    client.close();
    await stop();
  }
});

test('a host of version 2 tells what its build can do', async () => {
  const { client, stop } = await startHost();
  try {
    const both = ['yuv420p', 'yuv420p10le'];
    expect(await client.describe()).toMatchObject({
      codecs: [
        { codec: 'libx264', pixelFormats: both },
        { codec: 'libx265', pixelFormats: both },
      ],
      passedTracks: ['audio', 'data'],
    });
  } finally {
    await stop();
  }
});
